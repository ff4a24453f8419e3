/**
 * The page of all public functions, from their doc comments.
 */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A public function or value. */
export interface Entry {
  /** As it is written after an import: `tensor.add`. */
  readonly name: string
  /** What it is imported from. */
  readonly from: string
  readonly chapter: string
  readonly description: string
  readonly examples: readonly string[]
  /** Its type, as TypeScript says it. */
  readonly signature: string
  /** Where it is written; the file from the root. */
  readonly source: { readonly file: string, readonly line: number }
}

const ENTRY_POINTS: Readonly<Record<string, string>> = {
  pullback: 'src/index.ts', 'pullback/node': 'src/node/index.ts', 'pullback/laws': 'laws/index.ts'
}

/** By the folder that a function is written in, in the order of the page. */
const CHAPTERS: Readonly<Record<string, string>> = {
  'src/layer/': 'Composition', 'src/layers/': 'Layers', 'src/models/': 'Models', 'src/losses/': 'Losses', 'src/optimizers/': 'Optimisers',
  'src/schedules/': 'Learning rates', 'src/training/': 'Training', 'src/text/': 'Text', 'src/io/': 'Files', 'src/node/': 'Files',
  'src/tensor/': 'Tensors', 'src/tree/': 'Trees of parameters', 'src/random/': 'Randomness and parameters',
  'src/kernels/': 'Kernels', 'laws/': 'Laws'
}

const chapterOf = (file: string): string => {
  const found = Object.entries(CHAPTERS).find(([folder]) => file.includes(`/${folder}`))
  if (found === undefined) throw new Error(`expected a chapter for ${file}`)
  return found[1]
}

/** The type of a value, with what it is made of on lines of their own where it is long. */
const signatureOf = (checker: ts.TypeChecker, name: string, type: ts.Type, at: ts.Node): string => {
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.WriteArrowStyleSignature | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope
  const signatures = type.getCallSignatures()
  const texts = signatures.length > 1 ? signatures.map(signature => checker.signatureToString(signature, at, flags)) : [checker.typeToString(type, at, flags)]
  return texts.map(text => `${name}: ${text}`).join('\n')
}

const textOf = (parts: ts.JSDocTagInfo['text']): string => (parts ?? []).map(({ text }) => text).join('')

/** Every public function and value, in the order of the page. */
export const entries = (): readonly Entry[] => {
  const config = ts.getParsedCommandLineOfConfigFile(`${root}tsconfig.json`, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined })
  const program = ts.createProgram(Object.values(ENTRY_POINTS).map(file => root + file), config?.options ?? {})
  const checker = program.getTypeChecker()
  const listed = (module: ts.Symbol, from: string, space: string): readonly Entry[] => checker.getExportsOfModule(module).flatMap(exported => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    const name = space + exported.name
    if (symbol.flags & ts.SymbolFlags.ValueModule) return listed(symbol, from, `${name}.`)
    const declaration = symbol.valueDeclaration
    if (declaration === undefined) return []
    const tags = symbol.getJsDocTags(checker), file = declaration.getSourceFile()
    return [{
      name, from, chapter: chapterOf(declaration.getSourceFile().fileName),
      description: symbol.getDocumentationComment(checker).map(({ text }) => text).join('').trim(),
      examples: tags.filter(tag => tag.name === 'example').map(tag => textOf(tag.text).trim()),
      signature: signatureOf(checker, name, checker.getTypeOfSymbol(symbol), declaration),
      source: { file: file.fileName.slice(root.length), line: file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1 }
    }]
  })
  const all = Object.entries(ENTRY_POINTS).flatMap(([from, file]) => {
    const source = program.getSourceFile(root + file), module = source && checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`expected ${file} to be a module`)
    return listed(module, from, '')
  })
  const order = Array.from(new Set(Object.values(CHAPTERS)))
  const key = ({ chapter, from, name }: Entry): string => `${String(order.indexOf(chapter)).padStart(2)} ${from} ${name.toLowerCase()}`
  return Array.from(all).sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

const shown = ({ name, from, description, examples }: Entry): string => [
  `### ${name}`, ...(from === 'pullback' || from === 'pullback/laws' ? [] : [`From \`${from}\`.`]), description,
  ...examples.map(code => `\`\`\`ts\n${code}\n\`\`\``)
].join('\n\n')

/** The page. */
export const page = (all: readonly Entry[]): string => {
  const chapters = Array.from(new Set(all.map(({ chapter }) => chapter)))
  return `${[
    '<!-- Written by `npm run api` from the doc comments; a test compares it with them, and runs every example. -->',
    '# All functions, by chapter',
    'Everything is imported from `pullback` unless something else is said; laws are imported from `pullback/laws`. Shapes are written with letters: B batch, T time, D width, V vocabulary. In an example a comment behind an expression is its value, with fractions rounded to four digits; `E` is `fp-ts/lib/Either.js`, `TE` is `fp-ts/lib/TaskEither.js`.',
    chapters.map(chapter => `- [${chapter}](#${chapter.toLowerCase().replace(/ /g, '-')}): ${all.filter(entry => entry.chapter === chapter).map(({ name }) => `\`${name}\``).join(', ')}`).join('\n'),
    ...chapters.flatMap(chapter => [`## ${chapter}`, ...all.filter(entry => entry.chapter === chapter).map(shown)])
  ].join('\n\n')}\n`
}

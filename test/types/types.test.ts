import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const statements = fileURLToPath(new URL('./statements.ts', import.meta.url))
const { config } = ts.readConfigFile(`${root}tsconfig.json`, path => ts.sys.readFile(path)) as { readonly config: { readonly compilerOptions: object } }
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)

const preamble = `import { pipe } from 'fp-ts/lib/function.js'
import { type Tensor, type Tokens, adam, andThen, gpt, layerNorm, linear, meanSquaredError, mlp, named, pointwise, relu, residual, softmax, stack, initTraining, tensor, tokenEmbedding, trainingStep,
  initLinear, random, type Layer, type NoParams, type ParamsOf } from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
`

/** What a hover shows on \`it\`. */
const hovers: Readonly<Record<string, readonly [code: string, hover: string]>> = {
  'a composed model': [
    "const it = pipe(linear, named('hidden'), andThen(relu), andThen('output', linear))",
    `const it: Layer<{
    readonly hidden: LinearParams;
    readonly output: LinearParams;
}, Tensor, Tensor, Tensor>`],
  'a model with a stack': [
    "const it = pipe(tokenEmbedding, named('wte'), andThen('blocks', stack(residual(linear))))",
    `const it: Layer<{
    readonly wte: EmbeddingParams;
    readonly blocks: readonly LinearParams[];
}, Tokens, Tensor, void>`],
  'a layer': ['const it = linear', 'const it: Layer<LinearParams, Tensor, Tensor, Tensor>'],
  'a layer of one\'s own': ['const it = pointwise(Math.sin, Math.cos)', 'const it: Layer<NoParams, Tensor, Tensor, Tensor>'],
  'a model of the library': ['const it = gpt({ heads: 2 })', 'const it: Layer<GptParams, Tokens, Tensor, void>'],
  'the parameters of a layer': ['type it = ParamsOf<typeof linear>', `type it = {
    readonly weight: Tensor;
    readonly bias: Tensor;
}`],
  'trained parameters': [
    `const step = trainingStep({ model: pipe(linear, named('f')), loss: meanSquaredError(), optimizer: adam({ learningRate: 1 }) })
     const { params: it } = step(initTraining(adam({ learningRate: 1 }), { f: initLinear(1, 1)(random.key(0)) }), { input: tensor.of([[1]]), target: tensor.of([[1]]) }, random.key(0))`,
    `const it: {
    readonly f: LinearParams;
}`]
}

const UNNAMED = `Property ''a list or a tensor of parameters needs a name before it is merged'' is missing`
const TWICE = `Property ''parameter name used twice'' is missing`

/** What does not compile, and what the last line of the message says. */
const errors: Readonly<Record<string, readonly [code: string, message: string]>> = {
  'a name twice': ["pipe(linear, named('hidden'), andThen('hidden', linear))", `${TWICE} in type 'Layer<{ readonly hidden: LinearParams; }, Tensor, Tensor, Tensor>' but required in type '{ readonly 'parameter name used twice': "hidden"; }'.`],
  'two layers without names': ['pipe(linear, andThen(layerNorm))', `${TWICE} in type 'Layer<LinearParams, Tensor, Tensor, Tensor>' but required in type '{ readonly 'parameter name used twice': "weight" | "bias"; }'.`],
  'a name twice, without pipe': ["andThen('f', linear)(pipe(linear, named('f')))", `${TWICE} in type 'Layer<{ readonly f: LinearParams; }, Tensor, Tensor, Tensor>' but required in type '{ readonly 'parameter name used twice': "f"; }'.`],
  'a stack without a name, before a layer': ["pipe(stack(linear), andThen('output', linear))", UNNAMED],
  'a stack without a name, before a layer without parameters': ['pipe(stack(linear), andThen(relu))', UNNAMED],
  'a stack without a name, after a layer': ['pipe(linear, andThen(stack(linear)))', UNNAMED],
  'a stack without a name, after a named layer': ["pipe(linear, named('first'), andThen(stack(linear)))", UNNAMED],
  'a stack without a name, after a layer without parameters': ['pipe(relu, andThen(stack(linear)))', UNNAMED],
  'a stack without a name, without pipe': ["andThen('output', linear)(stack(linear))", UNNAMED],
  'a tensor as parameters': ["pipe(undefined as unknown as Layer<Tensor, Tensor, Tensor>, andThen('output', linear))", UNNAMED],
  'a layer that does not fit': ["pipe(linear, named('a'), andThen('b', tokenEmbedding))", `Type '"Tensor"' is not assignable to type '"Tokens"'.`],
  'the parameters of another model': ['mlp(relu).forward({ hidden: [] }, tensor.of([1]))', "Property 'output' is missing in type '{ hidden: never[]; }' but required in type 'MlpParams'."],
  'writing to a tensor': ['tensor.of([1]).data[0] = 2', "Index signature in type 'Floats' only permits reading."],
  'writing to a shape': ['tensor.of([1]).shape[0] = 2', "Index signature in type 'Shape' only permits reading."],
  'an option that does not exist': ['adam({ learningRate: 1, momentum: 0.9 })', "'momentum' does not exist in type 'AdamOptions'"],
  'a choice that does not exist': ["meanSquaredError({ reduction: 'average' })", `Type '"average"' is not assignable to type`],
  'an optimiser without a learning rate': ['adam({})', "Property 'learningRate' is missing"],
  'points of other parameters in a law': ['laws.layer(linear, { params: arbitrary.drawn(random.normal([2])), input: arbitrary.tensors() })', 'is missing the following properties from type \'LinearParams\': weight, bias']
}

const snippets = new Map([...Object.entries(hovers), ...Object.entries(errors)].map(([, [code]], i) => [`${root}test/types/snippet${i}.ts`, preamble + code]))
const files = Array.from(snippets.keys())
const fileOf = (group: typeof hovers, name: string): string => files[Object.keys(group).indexOf(name) + (group === errors ? Object.keys(hovers).length : 0)]

/** The compiler with the snippets, which exist nowhere else. */
const service = ts.createLanguageService({
  getScriptFileNames: () => [...files, statements],
  getScriptVersion: () => '0',
  getScriptSnapshot: path => {
    const text = snippets.get(path) ?? ts.sys.readFile(path)
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
  },
  getCurrentDirectory: () => root,
  getCompilationSettings: () => ({ ...options, noUnusedLocals: false }),
  getDefaultLibFileName: settings => ts.getDefaultLibFilePath(settings),
  fileExists: path => snippets.has(path) || ts.sys.fileExists(path),
  readFile: path => snippets.get(path) ?? ts.sys.readFile(path),
  directoryExists: path => ts.sys.directoryExists(path),
  getDirectories: path => ts.sys.getDirectories(path)
})

const messagesIn = (file: string): readonly string[] =>
  [...service.getSyntacticDiagnostics(file), ...service.getSemanticDiagnostics(file)].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))

/** The first program takes seconds to make. */
const TIMEOUT = 120_000

test('what is stated of types holds', () => {
  expect(messagesIn(statements)).toEqual([])
}, TIMEOUT)

describe('a hover shows', () => {
  test.each(Object.entries(hovers))('%s', (name, [, hover]) => {
    const file = fileOf(hovers, name)
    expect(messagesIn(file)).toEqual([])
    const position = /\bit\b/.exec(snippets.get(file)?.slice(preamble.length) ?? '')?.index ?? NaN
    expect(ts.displayPartsToString(service.getQuickInfoAtPosition(file, preamble.length + position)?.displayParts)).toBe(hover)
  }, TIMEOUT)
})

describe('an error says so:', () => {
  test.each(Object.entries(errors))('%s', (name, [, message]) => {
    const [found = 'it compiles'] = messagesIn(fileOf(errors, name))
    expect(found.split('\n').at(-1)).toContain(message)
  }, TIMEOUT)
})

import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import ts from 'typescript'
import * as library from 'pullback'
import * as provers from 'pullback/laws'
import * as node from 'pullback/node'

/** What an example need not import. */
export const scope: Readonly<Record<string, unknown>> = { ...library, ...node, ...provers, E, TE, fc, flow, pipe }

/** A statement that says what it gives, and what it says. */
export interface Promised {
  readonly statement: string
  readonly value: string
}

/** A promise of an example, and what came of it: a value, or an error. */
export interface Kept extends Promised {
  readonly result: E.Either<unknown, unknown>
}

/** Code whose expressions with a comment behind them tell what they give. */
const instrumented = (code: string): readonly [code: string, promises: readonly Promised[]] => {
  const promises: Promised[] = []
  const pieces = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2022).statements.map(statement => {
    const text = code.slice(statement.getFullStart(), statement.end)
    const [comment] = ts.getTrailingCommentRanges(code, statement.end) ?? []
    if (comment === undefined || !ts.isExpressionStatement(statement)) return text
    promises.push({ statement: text.trim(), value: code.slice(comment.pos + 2, comment.end).trim() })
    return `\nawait told(${promises.length - 1}, async () => (${text.trim()}))`
  })
  return [pieces.join('\n'), promises]
}

type AsyncFunction = (...values: readonly unknown[]) => Promise<unknown>
/** The constructor of async functions, which JavaScript gives no name. */
const AsyncFunctionOf = (async () => { /* only its constructor is wanted */ }).constructor as new (...parts: readonly string[]) => AsyncFunction

/** Runs TypeScript in an async function, with a scope. */
const run = (code: string, names: Readonly<Record<string, unknown>>): Promise<unknown> => {
  const { outputText } = ts.transpileModule(`const example = async () => {${code}\n}`, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
  // What is transpiled on its own is a module, which says so at its end.
  const body = outputText.replace(/export \{\};\s*$/, '')
  return new AsyncFunctionOf(...Object.keys(names), `${body}\nreturn example()`)(...Object.values(names))
}

/** Runs an example: what it promises, and what came of that. */
export const kept = async (example: string): Promise<readonly Kept[]> => {
  const [code, promises] = instrumented(example)
  const results: Kept[] = []
  await run(code, {
    ...scope,
    told: async (index: number, f: () => Promise<unknown>) => {
      const result = await f().then(value => E.right(value), (error: unknown) => E.left(error))
      results.push({ ...promises[index], result })
    }
  })
  return results
}

/** What the comment behind an expression stands for. */
export const promisedValue = (value: string): Promise<unknown> => run(`return (${value})`, scope)

/** A value with its fractions rounded to four digits, as examples show them. */
export const rounded = (value: unknown): unknown => {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(4))) + 0 // not −0
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, rounded(child)]))
}

import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { describe, expect, test } from 'vitest'
import { sentenceOf, surplusKey } from '../../src/io/messages.js'
import { parseJson } from '../../src/io/parse.js'

const Inner = t.type({ c: t.number }, 'a record with c')
const before = t.type({ a: t.number, b: Inner }, 'a record'), after = t.type({ b: Inner, a: t.number }, 'a record')
const said = (codec: t.Mixed, value: unknown): string => {
  const decoded = codec.decode(value)
  return E.isLeft(decoded) ? sentenceOf('file', decoded.left) : 'no problem'
}

describe('what a codec did not like is one sentence', () => {
  const values: readonly (readonly [shown: string, value: unknown])[] = [
    ['nothing', undefined], ['"x"', 'x'], ['an array of 2', [1, 2]], ['null', null], ['3', 3], ['true', true], ['an object', { c: [] }], ['an object', () => 0]
  ]
  test.each(values)('that shows %s', (shown, value) => {
    const codec = new t.Type<string>('something else', (_): _ is string => false, t.failure, t.identity)
    expect(said(codec, value)).toBe(`file: expected something else, got ${shown}`)
    expect(said(t.type({ 'a.b': t.array(codec) }), { 'a.b': [value] })).toBe(`file: expected something else at "a.b.0", got ${shown}`)
  })
  test('about the place that lies deepest, and of equally deep ones the first', () => {
    for (const codec of [before, after]) expect(said(codec, { a: 'x', b: { c: 'y' } })).toBe('file: expected number at "b.c", got "y"')
    expect(said(before, {})).toBe('file: expected number at "a", got nothing')
    expect(said(after, {})).toBe('file: expected a record with c at "b", got nothing')
  })
  test('even if it says nothing', () => { expect(sentenceOf('file', [])).toBe('file: not valid') })
  test('and a key that is not known is named among those that are', () => {
    expect(surplusKey('file', { a: 1, 'x"': 1, y: 1 }, ['a', 'b'])).toBe('file: expected only "a", "b", got "x\\""')
    expect(surplusKey('file', { a: 1 }, ['a', 'b'])).toBeUndefined()
  })
})

describe('JSON of a file', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const wrong: readonly (readonly [text: string, problem: string])[] = [
    [nested(33), 'is nested deeper than 32'], ['{"a":1,"a":2}', 'has the key "a" twice'], ['{"a" \t\r\n:1,"a":2}', 'has the key "a" twice'],
    ['{"a\\"b":1,"a\\"b":2}', 'has the key "a\\"b" twice'], ['', 'is not valid JSON'], ['"a":1', 'is not valid JSON'], [']', 'is not valid JSON'], ['"a', 'is not valid JSON'],
    ['"\\', 'is not valid JSON'], ['{"\\x":1}', 'is not valid JSON'], ['{"a"\u00a0:1}', 'is not valid JSON']
  ]
  test.each(wrong)('%j is refused', (text, problem) => { expect(parseJson(text)).toEqual(E.left(problem)) })
  test.each([nested(32), '{"a":{"a":1},"b":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":"a","b":["a",":","a"]}', '"a"', '{"a:":1,"a":2}', '{"\\\\":1,"\\"":2}', '[[1],[2]]', `[${`${nested(31)},`.repeat(40)}1]`])(
    '%j is read', text => { expect(parseJson(text)).toEqual(E.right(JSON.parse(text))) })
})

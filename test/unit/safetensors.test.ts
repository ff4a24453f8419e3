import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  characterTokenizer, decodeCheckpoint, decodeSafetensors, encodeCheckpoint, encodeSafetensors, gptFromTensors, initGpt, random, tensor, tree,
  type NamedTensors, type Tensor
} from 'pullback'
import { arbitrary } from 'pullback/laws'

const leaf = fc.tuple(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), fc.constantFrom('float32' as const, 'float64' as const))
  .chain(([shape, precision]) => arbitrary.tensorOf(shape, {}, precision))
const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter(text => text !== '__proto__' && text !== '__metadata__')
const files: fc.Arbitrary<NamedTensors> = fc.record({
  tensors: fc.uniqueArray(fc.tuple(name, leaf), { selector: ([key]) => key, maxLength: 5 }),
  metadata: fc.dictionary(fc.string({ maxLength: 5 }).filter(key => key !== '__proto__'), fc.string({ maxLength: 5 }))
})

const same = (a: NamedTensors, b: NamedTensors): boolean => {
  const found = new Map(b.tensors)
  const equals = (x: Tensor, y: Tensor | undefined): boolean => y !== undefined && tensor.Eq.equals(x, y)
  return a.tensors.length === b.tensors.length && a.tensors.every(([key, value]) => equals(value, found.get(key)))
}

/** A file with the given header and so many bytes of data. */
const file = (header: string | Uint8Array, bytes = 0, length?: number): Uint8Array => {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const whole = new Uint8Array(8 + json.length + bytes)
  new DataView(whole.buffer).setBigUint64(0, BigInt(length ?? json.length), true)
  whole.set(json, 8)
  return whole
}

const problem = (bytes: Uint8Array): string => {
  const result = decodeSafetensors(bytes)
  return E.isLeft(result) ? result.left : 'no problem'
}

describe('safetensors', () => {
  test('what is written is read back, for every shape, precision and name', () => {
    fc.assert(fc.property(files, written => {
      const read = decodeSafetensors(encodeSafetensors(written))
      return E.isRight(read) && same(written, read.right) && JSON.stringify(read.right.metadata) === JSON.stringify(written.metadata)
    }))
  })

  test('bits survive: −0, subnormal numbers, infinities, NaN', () => {
    for (const precision of ['float32', 'float64'] as const) {
      const written = tensor.fromArray([6], [-0, 5e-324, 1e-45, Infinity, -Infinity, NaN], precision)
      const read = decodeSafetensors(encodeSafetensors({ tensors: [['x', written]], metadata: {} }))
      expect(E.isRight(read) && Array.from(read.right.tensors[0][1].data)).toEqual(Array.from(written.data))
    }
  })

  test('1000 mutated files give a sentence or the same tensors', () => {
    const written: NamedTensors = { tensors: [['h.0.weight', tensor.of([[1, 2], [3, 4]])], ['bias', tensor.of([5, 6], 'float64')]], metadata: { a: 'b' } }
    const bytes = encodeSafetensors(written)
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const mutation = fc.oneof(
      fc.record({ at: fc.nat(header - 1), to: fc.nat(255) }).map(({ at, to }) => Uint8Array.from(bytes, (byte, i) => (i === at ? to : byte))),
      fc.nat(bytes.length - 1).map(length => bytes.slice(0, length)),
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ minLength: 1, maxLength: 8 }).map(extra => Uint8Array.from([...bytes, ...extra])))
    fc.assert(fc.property(mutation, mutated => {
      const read = decodeSafetensors(mutated)
      if (E.isLeft(read)) return /^safetensors: \S/.test(read.left) && !read.left.includes('\n')
      const values = (x: NamedTensors) => x.tensors.map(([, t]) => Array.from(t.data).join()).sort().join(';')
      // A changed letter of a name or a note is no damage that could be seen; the numbers are those that were written.
      return values(read.right) === values(written)
    }), { numRuns: 1000 })
  })

  test.each([
    ['too short', new Uint8Array(7), 'at least 8 bytes'],
    ['a header longer than the file', file('{}', 0, 2 ** 40), 'only 2 follow'],
    ['a header length of 64 bits', Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 0]), 'only 1 follow'],
    ['not JSON', file('{"a"'), 'not valid JSON'],
    ['not UTF-8', file(Uint8Array.from([0x7b, 0xff, 0x7d])), 'not valid UTF-8'],
    ['not an object', file('[]'), 'JSON object'],
    ['null', file('null'), 'JSON object'],
    ['another type of numbers', file('{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', 8), '"F32" or "F64"'],
    ['no shape', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), 'shape'],
    ['a negative axis', file('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4), 'non-negative'],
    ['offsets against the shape', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4), 'cannot occupy'],
    ['offsets that go backwards', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4), 'cannot occupy'],
    ['offsets beyond the file', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4), 'the file has 4'],
    ['overlapping tensors', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 8), 'begins at byte 0'],
    ['a gap', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8), 'begins at byte 4'],
    ['bytes that belong to nothing', file('{}', 4), 'the file has 4'],
    ['a product that overflows', file('{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296,4294967296],"data_offsets":[0,0]}}'), 'cannot occupy'],
    ['a product that overflows to a multiple of zero', file('{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}}', 4), 'cannot occupy'],
    ['__proto__ as a name', file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), '__proto__'],
    ['metadata that are no strings', file('{"__metadata__":{"a":1}}'), '__metadata__']
  ])('%s is one sentence', (_, bytes, expected) => {
    expect(problem(bytes)).toContain(expected)
  })

  test('no names that cannot be read back are written', () => {
    const one = tensor.of([1])
    expect(() => encodeSafetensors({ tensors: [['a', one], ['a', one]], metadata: {} })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [['__metadata__', one]], metadata: {} })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [['__proto__', one]], metadata: {} })).toThrow(TypeError)
  })
})

describe('checkpoints', () => {
  const tokenizer = characterTokenizer()('hello world')
  if (E.isLeft(tokenizer)) throw new Error(tokenizer.left)
  const params = initGpt({ vocabulary: 8, context: 4, width: 4, layers: 2 })(random.key(0))
  const checkpoint = { params, heads: 2, tokenizer: tokenizer.right }

  test('a model comes back with its tokenizer', () => {
    const read = decodeCheckpoint(encodeCheckpoint(checkpoint))
    if (E.isLeft(read)) throw new Error(read.left)
    expect(tree.flatten(read.right.params).map(([path]) => path)).toEqual(tree.flatten(params).map(([path]) => path))
    expect(tree.flatten(read.right.params).every(([, t], i) => tensor.Eq.equals(t, tree.flatten(params)[i][1]))).toBe(true)
    expect(read.right.heads).toBe(2)
    expect(read.right.tokenizer.symbols).toEqual(tokenizer.right.symbols)
  })

  test('a GPT has the names of GPT-2', () => {
    expect(tree.flatten(params).map(([path]) => path).slice(0, 8)).toEqual([
      'wte.weight', 'wpe.weight', 'h.0.ln_1.weight', 'h.0.ln_1.bias', 'h.0.attn.c_attn.weight', 'h.0.attn.c_attn.bias',
      'h.0.attn.c_proj.weight', 'h.0.attn.c_proj.bias'])
  })

  test.each([
    ['a missing tensor', tree.flatten(params).filter(([path]) => path !== 'h.1.mlp.c_proj.bias'), '"h.1.mlp.c_proj.bias" is missing'],
    ['a wrong shape', tree.flatten(params).map(([path, t]) => [path, path === 'ln_f.bias' ? tensor.zeros([5]) : t] as const), 'expected [4]'],
    ['a tensor without a place', [...tree.flatten(params), ['extra', tensor.zeros([1])] as const], '"extra" has no place'],
    ['nothing', [], '"wte.weight" is missing']
  ])('%s is one sentence', (_, entries, expected) => {
    const result = gptFromTensors(entries)
    expect(E.isLeft(result) && result.left).toContain(expected)
  })

  test.each([
    ['no notes', {}, 'no notes'],
    ['broken notes', { pullback: '{' }, 'not valid JSON'],
    ['notes without a tokenizer', { pullback: '{"heads":2}' }, 'tokenizer'],
    ['too few symbols', { pullback: '{"heads":2,"tokenizer":{"kind":"character","symbols":["a"]}}' }, '8 rows'],
    ['heads that do not divide the width', { pullback: JSON.stringify({ heads: 3, tokenizer: { kind: 'character', symbols: tokenizer.right.symbols } }) }, 'divides the width'],
    ['symbols that occur twice', { pullback: '{"heads":2,"tokenizer":{"kind":"character","symbols":["a","a"]}}' }, 'different']
  ])('%s is one sentence', (_, metadata: Record<string, string>, expected) => {
    const result = decodeCheckpoint(encodeSafetensors({ tensors: tree.flatten(params), metadata }))
    expect(E.isLeft(result) && result.left).toContain(expected)
  })
})

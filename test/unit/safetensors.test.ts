import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  characterTokenizer, decodeCheckpoint, decodeSafetensors, encodeCheckpoint, encodeSafetensors, gptFromTensors, initGpt, random, tensor, tree,
  type NamedTensors, type Tensor
} from 'pullback'
import { arbitrary } from 'pullback/laws'
import { parseJson } from '../../src/io/parse.js'
import type { Entry } from '../../src/tree/tree.js'

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

/** The description of one single-precision number at an offset. */
const at = (offset: number): string => `{"dtype":"F32","shape":[1],"data_offsets":[${offset},${offset + 4}]}`

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
    ['metadata that are no strings', file('{"__metadata__":{"a":1}}'), '__metadata__'],
    ['nothing at all', new Uint8Array(0), 'at least 8 bytes, got 0'],
    ['an empty header', file(''), 'not valid JSON'],
    ['a header longer than the format allows', file(new Uint8Array(100_000_001)), 'at most 100000000 bytes'],
    ['a header length that is one short', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, 52), 'not valid JSON'],
    ['white space before the header', file(' {}'), 'without white space'],
    ['a line feed before the header', file('\n{}'), 'without white space'],
    ['a byte order mark before the header', file('\ufeff{}'), 'without white space'],
    ['a tensor twice', file(`{"a":${at(0)},"a":${at(4)}}`, 8), 'has the key "a" twice'],
    ['a tensor twice, written differently', file(`{"a":${at(0)},"\\u0061":${at(0)}}`, 4), 'has the key "a" twice'],
    ['a field twice', file('{"a":{"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), 'has the key "dtype" twice'],
    ['a note twice', file('{"__metadata__":{"a":"b","a":"c"}}'), 'has the key "a" twice'],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), 'has the key "__metadata__" twice'],
    ['a header nested 5000 deep', file(`{"a":{"dtype":"F32","shape":${'['.repeat(5000)}${']'.repeat(5000)},"data_offsets":[0,4]}}`, 4), 'nested deeper'],
    ['metadata nested 5000 deep', file(`{"__metadata__":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`), 'nested deeper'],
    ['a header of ten million brackets', file('['.repeat(10_000_000)), 'nested deeper'],
    ['nesting within the limit', file('{"a":[[[[[[[[[[1]]]]]]]]]]}'), 'got an array of 1'],
    ['a field that is not known', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"scale":2}}', 4), 'got "scale"'],
    ['half precision', file('{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', 4), 'got "BF16"'],
    ['half a number of bytes', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3.5]}}', 4), 'two non-negative integers'],
    ['negative offsets', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}', 4), 'non-negative integer'],
    ['an offset of 2⁵³', file('{"a":{"dtype":"F32","shape":[0],"data_offsets":[9007199254740992,9007199254740992]}}'), 'non-negative integer'],
    ['three offsets', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 4), 'data_offsets'],
    ['a number too large to be one', file('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4), 'non-negative integer'],
    ['half a character in a name', file(`{"\\ud800":${at(0)}}`, 4), 'half a character']
  ])('%s is one short sentence', (_, bytes, expected) => {
    expect(problem(bytes)).toContain(expected)
    expect(problem(bytes)).toMatch(/^safetensors: [^\n]{1,300}$/)
  })

  test('spaces behind the header, colons and brackets in names, and a name in two places are no fault', () => {
    const text = `{"a: {[\\"":${at(0)},"shape":${at(4)},"__metadata__":{"shape":"{\\"a\\":1,\\"a\\":2}"}}   `
    const read = decodeSafetensors(file(text, 8))
    expect(E.isRight(read) && read.right.tensors.map(([name]) => name)).toEqual(['a: {["', 'shape'])
  })

  test('JSON is refused for two equal keys of one object, and for nothing else that JSON.parse takes', () => {
    const json = fc.json({ maxDepth: 2 })
    fc.assert(fc.property(json, text => {
      const read = parseJson(text)
      return E.isRight(read) && JSON.stringify(read.right) === JSON.stringify(JSON.parse(text))
    }))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), json, json, fc.constantFrom('', ' ', '\n\t'), (key, a, b, space) => {
      const name = JSON.stringify(key)
      const read = parseJson(`[{"x":{${name}${space}:${a},${space}${name}:${b}}}]`)
      return E.isLeft(read) && read.left.endsWith('twice')
    }))
    fc.assert(fc.property(fc.string(), text => {
      const native = E.tryCatch((): unknown => JSON.parse(text), () => 'is not valid JSON')
      return E.isLeft(native) ? E.isLeft(parseJson(text)) : true
    }))
  })

  test('no names that cannot be read back are written', () => {
    const one = tensor.of([1])
    expect(() => encodeSafetensors({ tensors: [['a', one], ['a', one]], metadata: {} })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [['__metadata__', one]], metadata: {} })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [['__proto__', one]], metadata: {} })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [['\ud800', one]], metadata: {} })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [], metadata: { '\ud800': '' } })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [], metadata: { a: '\udfff' } })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [], metadata: JSON.parse('{"__proto__":"a"}') as Record<string, string> })).toThrow(TypeError)
    expect(() => encodeSafetensors({ tensors: [], metadata: JSON.parse('{"a":1}') as Record<string, string> })).toThrow(TypeError)
    const length = 100_000_001 + JSON.stringify({ '': { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }).length
    expect(() => encodeSafetensors({ tensors: [['a'.repeat(100_000_001), one]], metadata: {} }))
      .toThrow(new RangeError(`encodeSafetensors: expected a header of at most 100000000 bytes, got ${8 * Math.ceil(length / 8)}`))
  })
})

describe('checkpoints', () => {
  const tokenizer = characterTokenizer()('hello world')
  if (E.isLeft(tokenizer)) throw new Error(tokenizer.left)
  const params = initGpt({ vocabulary: 8, context: 4, width: 4, layers: 2 })(random.key(0))
  const checkpoint = { params, heads: 2, tokenizer: tokenizer.right }
  /** The parameters with one number changed. */
  const broken = (where: string, entry: number, wrong: number) => tree.map((leaf, path) =>
    (path === where ? tensor.fromArray(leaf.shape, Array.from(leaf.data, (x, i) => (i === entry ? wrong : x))) : leaf))(params)

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

  const trees: readonly (readonly [title: string, entries: readonly Entry[], expected: string])[] = [
    ['a missing tensor', tree.flatten(params).filter(([path]) => path !== 'h.1.mlp.c_proj.bias'), '"h.1.mlp.c_proj.bias" is missing'],
    ['a wrong shape', tree.flatten(params).map(([path, t]) => [path, path === 'ln_f.bias' ? tensor.zeros([5]) : t] as const), 'expected [4]'],
    ['a tensor without a place', [...tree.flatten(params), ['extra', tensor.zeros([1])] as const], '"extra" has no place'],
    ['nothing', [], '"wte.weight" is missing'],
    ['a tensor twice', [...tree.flatten(params), tree.flatten(params)[3]], '"h.0.ln_1.bias" occurs twice'],
    ['a shape of many axes', [['wte.weight', tensor.zeros(Array.from({ length: 5000 }, () => 1))] as const], '… 4992 more'],
    ['no positions', tree.flatten(params).map(([path, t]) => [path, path === 'wpe.weight' ? tensor.zeros([0, 4]) : t] as const), '"wpe.weight" of shape [0, 4] has no entries'],
    ...[NaN, Infinity, -Infinity].map(wrong => [`${wrong}`, tree.flatten(broken('h.1.mlp.c_fc.bias', 3, wrong)), `"h.1.mlp.c_fc.bias" holds ${wrong}, expected finite weights`] as const)
  ]
  test('the names of published files are taken', () => {
    const published = tree.flatten(params).map(([path, t]) => [`transformer.${path}`, t] as const)
    const buffers = [['transformer.h.0.attn.bias', tensor.zeros([1, 1, 4, 4])], ['h.1.attn.masked_bias', tensor.zeros([])]] as const
    const read = gptFromTensors([...published, ...buffers, ['lm_head.weight', params.wte.weight]])
    expect(E.isRight(read) && tree.flatten(read.right)).toEqual(tree.flatten(params))
    const untied = gptFromTensors([...published, ['lm_head.weight', tensor.scale(2)(params.wte.weight)]])
    expect(untied).toEqual(E.left('tensor "lm_head.weight" differs from "wte.weight", expected a model whose head is its token embedding'))
    expect(gptFromTensors([...published, ['transformer.h.7.ln_1.weight', tensor.zeros([4])]])).toEqual(E.left('tensor "h.7.ln_1.weight" has no place'))
    expect(gptFromTensors([...published, ['wte.weight', params.wte.weight]])).toEqual(E.left('tensor "wte.weight" occurs twice'))
  })
  test.each(trees)('%s is one sentence', (_, entries, expected) => {
    const result = gptFromTensors(entries)
    expect(E.isLeft(result) && result.left).toContain(expected)
  })

  test.each([
    ['no notes', {}, 'no notes'],
    ['broken notes', { pullback: '{' }, 'not valid JSON'],
    ['notes without a tokenizer', { pullback: '{"heads":2}' }, 'tokenizer'],
    ['too few symbols', { pullback: '{"heads":2,"tokenizer":{"kind":"character","symbols":["a"]}}' }, '8 rows'],
    ['heads that do not divide the width', { pullback: JSON.stringify({ heads: 3, tokenizer: { kind: 'character', symbols: tokenizer.right.symbols } }) }, 'divides the width'],
    ['notes with a key twice', { pullback: '{"heads":2,"heads":1}' }, 'has the key "heads" twice'],
    ['notes nested 5000 deep', { pullback: `{"heads":${'['.repeat(5000)}${']'.repeat(5000)}}` }, 'nested deeper'],
    ['a note that is not known', { pullback: JSON.stringify({ heads: 2, rotary: true, tokenizer: { kind: 'character', symbols: tokenizer.right.symbols } }) }, 'got "rotary"'],
    ['a note on the tokenizer that is not known', { pullback: JSON.stringify({ heads: 2, tokenizer: { kind: 'character', symbols: tokenizer.right.symbols, merges: [] } }) }, 'got "merges"'],
    ['symbols that occur twice', { pullback: '{"heads":2,"tokenizer":{"kind":"character","symbols":["a","a"]}}' }, 'different']
  ])('%s is one sentence', (_, metadata: Record<string, string>, expected) => {
    const result = decodeCheckpoint(encodeSafetensors({ tensors: tree.flatten(params), metadata }))
    expect(E.isLeft(result) && result.left).toContain(expected)
  })

  test('what could not be loaded again is not written', () => {
    expect(() => encodeCheckpoint({ ...checkpoint, params: broken('wte.weight', 0, NaN) })).toThrow('"wte.weight" holds NaN, expected finite weights')
    expect(() => encodeCheckpoint({ ...checkpoint, heads: 3 })).toThrow('divides the width')
    const smaller = characterTokenizer()('helo')
    if (E.isLeft(smaller)) throw new Error(smaller.left)
    expect(() => encodeCheckpoint({ ...checkpoint, tokenizer: smaller.right })).toThrow('8 rows')
  })

  test('a tokenizer with half a character comes back', () => {
    const halves = characterTokenizer()('helo wr\ud800')
    if (E.isLeft(halves)) throw new Error(halves.left)
    const read = decodeCheckpoint(encodeCheckpoint({ ...checkpoint, tokenizer: halves.right }))
    expect(E.isRight(read) && read.right.tokenizer.symbols).toEqual(halves.right.symbols)
  })
})

/**
 * The laws of files and of word vectors.
 *
 * @module
 */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { tensor, tree, type Checkpoint, type NamedTensors, type Tensor, type words } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { fails, firstFailing, holds, type Law, law, worst } from './law.js'
import { sameBits, snapshot } from './values.js'

const special = fc.constantFrom(-0, Infinity, -Infinity, NaN, 1e-45, 5e-324)
const leaf = fc.tuple(fc.array(fc.nat(3), { maxLength: 3 }), fc.constantFrom('float32' as const, 'float64' as const))
  .chain(([shape, precision]) => {
    const size = shape.reduce((product, length) => product * length, 1)
    return fc.array(fc.oneof(fc.double(), special), { minLength: size, maxLength: size }).map(entries => tensor.fromArray(shape, entries, precision))
  })
const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter(text => text !== '__proto__' && text !== '__metadata__')
const files: fc.Arbitrary<NamedTensors> = fc.record({
  tensors: fc.uniqueArray(fc.tuple(name, leaf), { selector: ([key]) => key, maxLength: 5 }),
  metadata: fc.dictionary(fc.string({ maxLength: 5 }).filter(key => key !== '__proto__'), fc.string({ maxLength: 5 }))
})

/** The same names, shapes, precisions and bits, in any order. */
const sameTensors = (found: ReadonlyMap<string, Tensor>, expected: NamedTensors['tensors']) => firstFailing([
  found.size === expected.length ? holds : fails(`${found.size} tensors, expected ${expected.length}`),
  ...expected.map(([path, x]) => {
    const y = found.get(path)
    if (y === undefined) return fails(`${JSON.stringify(path)} is missing`)
    if (y.shape.join() !== x.shape.join() || tensor.precisionOf(y) !== tensor.precisionOf(x))
      return fails(`${JSON.stringify(path)}: ${tensor.precisionOf(y)} of the shape [${y.shape.join(', ')}], expected ${tensor.precisionOf(x)} of [${x.shape.join(', ')}]`)
    return sameBits(JSON.stringify(path), snapshot(y), snapshot(x))
  })
])

interface Info {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** A file read by the published description of the format, and by nothing else. */
const byDescription = (bytes: Uint8Array) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), length = Number(view.getBigUint64(0, true))
  // What the law has just written; a file of another form makes the law fail by an error.
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Readonly<Record<string, Info>>
  const infos = Object.entries(header).filter(([key]) => key !== '__metadata__')
  const tensors = new Map(infos.map(([key, { dtype, shape, data_offsets: [begin, end] }]) => {
    const width = dtype === 'F32' ? 4 : 8
    const entries = Array.from({ length: (end - begin) / width }, (_, i) =>
      (width === 4 ? view.getFloat32(8 + length + begin + 4 * i, true) : view.getFloat64(8 + length + begin + 8 * i, true)))
    return [key, tensor.fromArray(shape, entries, width === 4 ? 'float32' : 'float64')] as const
  }))
  const covered = infos.reduce((total, [, { data_offsets: [begin, end] }]) => total + end - begin, 0)
  return { begin: 8 + length, tensors, metadata: header.__metadata__ as unknown, covered }
}

/** What is written is what the format's description reads, and is read back with every bit. */
export const safetensors = (encode: (file: NamedTensors) => Uint8Array, decode: (bytes: Uint8Array) => E.Either<string, NamedTensors>): readonly Law[] => [
  law({
    name: 'layout',
    statement: 'the header begins with its length and says where each tensor lies, entries are little-endian from a multiple of 8 bytes on, and nothing follows',
    cases: files,
    check: file => {
      const bytes = encode(file), { begin, tensors, metadata, covered } = byDescription(bytes)
      return firstFailing([
        sameTensors(tensors, file.tensors),
        JSON.stringify(metadata ?? {}) === JSON.stringify(file.metadata) ? holds : fails(`the notes are ${JSON.stringify(metadata)}`),
        begin % 8 === 0 ? holds : fails(`the data begins at byte ${begin}`),
        begin + covered === bytes.length ? holds : fails(`${bytes.length} bytes, expected ${begin + covered}`)
      ])
    }
  }),
  law({
    name: 'round trip',
    statement: 'decoding what was encoded gives the same names, shapes, precisions, bits and notes, wherever the bytes lie in their buffer',
    cases: fc.record({ file: files, before: fc.nat(9) }),
    check: ({ file, before }) => {
      const bytes = encode(file), longer = new Uint8Array(before + bytes.length + 3)
      longer.set(bytes, before)
      const read = decode(longer.subarray(before, before + bytes.length))
      if (E.isLeft(read)) return fails(read.left)
      return firstFailing([
        sameTensors(new Map(read.right.tensors), file.tensors),
        JSON.stringify(read.right.metadata) === JSON.stringify(file.metadata) ? holds : fails(`the notes are ${JSON.stringify(read.right.metadata)}`)
      ])
    }
  }),
  law({
    name: 'a file that was cut',
    statement: 'the beginning of a file, and a file with more behind it, give a sentence',
    cases: fc.record({ file: files, place: fc.nat(), extra: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
    check: ({ file, place, extra }) => {
      const bytes = encode(file)
      return firstFailing([bytes.slice(0, place % bytes.length), Uint8Array.from([...bytes, ...extra])]
        .map(other => (E.isLeft(decode(other)) ? holds : fails(`${other.length} bytes instead of ${bytes.length} are read`))))
    }
  })
]

/** A model comes back with all that it needs. */
export const checkpoint = (
  encode: (checkpoint: Checkpoint) => Uint8Array, decode: (bytes: Uint8Array) => E.Either<string, Checkpoint>, checkpoints: fc.Arbitrary<Checkpoint>
): Law => law({
  name: 'round trip',
  statement: 'a checkpoint that is decoded has the parameters of the one that was encoded, to the bit and under their names, its heads and its tokenizer with the replacement',
  cases: checkpoints,
  check: written => {
    const read = decode(encode(written))
    if (E.isLeft(read)) return fails(read.left)
    const { params, heads, tokenizer } = read.right
    const described = ({ kind, symbols, unknown }: Checkpoint['tokenizer']): string => JSON.stringify([kind, symbols, unknown])
    return firstFailing([
      sameTensors(new Map(tree.flatten(params)), tree.flatten(written.params)),
      heads === written.heads ? holds : fails(`${heads} heads, expected ${written.heads}`),
      described(tokenizer) === described(written.tokenizer) ? holds : fails(`the tokenizer is ${described(tokenizer)}, expected ${described(written.tokenizer)}`)
    ])
  }
})

const WORDS = ['a', 'b', 'c', 'd', 'e', 'f']

/** What is near in a table of word vectors. */
export const nearestWords = (
  read: typeof words.wordVectorsFromLines, nearest: typeof words.nearest, cosine: typeof words.cosine
): readonly Law[] => {
  /** Also zero, which points nowhere. */
  const vectors = (d: number): fc.Arbitrary<Tensor> =>
    fc.oneof({ weight: 4, arbitrary: arbitrary.tensorOf([d]) }, { weight: 1, arbitrary: fc.constant(tensor.zeros([d], 'float64')) })
  const tables = arbitrary.axis(3).chain(d => fc.tuple(vectors(d), fc.array(vectors(d), { minLength: 1, maxLength: WORDS.length })))
  return [
    law({
      name: 'cosine',
      statement: '$\\cos(a, b) = \\langle a, b\\rangle / \\lVert a\\rVert \\lVert b\\rVert$, and 0 where one of them is zero',
      tolerance: 1e-14,
      reason: 'double precision: a few roundings',
      cases: arbitrary.axis(4).chain(d => fc.tuple(vectors(d), vectors(d))),
      check: ([a, b]) => {
        const norms = tensor.norm(a) * tensor.norm(b), expected = norms === 0 ? 0 : tensor.dot(b)(a) / norms, found = cosine(b)(a)
        return { error: Math.abs(found - expected), explain: () => `${found}, expected ${expected}` }
      }
    }),
    law({
      name: 'nearest words',
      statement: 'the words that are asked for, by descending cosine; none that is left out is nearer, and excluded ones do not occur',
      tolerance: 1e-6,
      reason: 'single precision of the table',
      cases: fc.record({ table: tables, count: fc.nat(WORDS.length + 1), without: fc.subarray(WORDS) }),
      check: ({ table: [vector, rows], count, without }) => {
        const known = read(rows.map((row, i) => `${WORDS[i]} ${Array.from(row.data).join(' ')}`))
        if (E.isLeft(known)) return fails(known.left)
        const found = nearest(known.right, { count, without })(vector)
        const candidates = rows.map((row, i) => ({ word: WORDS[i], similarity: cosine(vector)(row) })).filter(({ word }) => !without.includes(word))
        const expected = candidates.map(({ similarity }) => similarity).sort((a, b) => b - a).slice(0, count)
        if (found.length !== expected.length || new Set(found.map(({ word }) => word)).size !== found.length)
          return fails(`got ${JSON.stringify(found)}, expected ${expected.length} different words`)
        return worst(found.map(({ word, similarity }, i) => {
          const own = candidates.find(candidate => candidate.word === word)?.similarity ?? NaN
          return { error: Math.max(Math.abs(similarity - own), Math.abs(similarity - expected[i])), explain: () => `place ${i}: ${word} with ${similarity}, expected ${expected[i]}` }
        }))
      }
    })
  ]
}

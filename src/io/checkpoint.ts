/**
 * A trained language model as one safetensors file: its parameters under GPT-2's names, and in the notes what is
 * needed to use them, the number of heads and the tokenizer.
 *
 * A model whose weights are not all finite computes nothing, so such a file is refused by the name of the tensor, when it
 * is read and before it is written over a good one. What must be kept as it is goes through `encodeSafetensors`.
 *
 * @module
 */
import { sequenceS } from 'fp-ts/lib/Apply.js'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import type { BlockParams } from '../layers/block.js'
import type { GptParams } from '../models/gpt.js'
import { precisionOf, type Tensor } from '../tensor/tensor.js'
import { sameShape } from '../tensor/shape.js'
import { tokenizer, type Tokenizer, type TokenizerDescription } from '../text/tokenizer.js'
import { type Entry, flatten } from '../tree/tree.js'
import { briefShape, quoted } from '../tensor/foreign.js'
import { parseJson } from './parse.js'
import { sentenceOf, surplusKey } from './messages.js'
import { decodeSafetensors, encodeSafetensors } from './safetensors.js'

/** A model that can complete sentences. */
export interface Checkpoint {
  readonly params: GptParams
  readonly heads: number
  readonly tokenizer: Tokenizer
}

const Required = t.type({ kind: t.keyof({ character: null, word: null }, '"character" or "word"'), symbols: t.array(t.string) })
const Optional = t.partial({ unknown: t.string })
const Notes = t.type({ heads: t.number, tokenizer: t.intersection([Required, Optional]) }, 'notes on a model')

const KEY = 'pullback'

/** A dimension that the file determines, or one that is already known. */
type Axis = number | undefined

const firstNotFinite = ({ data }: Tensor): number | undefined => {
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i])) return i
  return undefined
}

/** Finds leaves by name and checks their shapes and entries. */
const leafIn = (entries: readonly Entry[]) => {
  const leaves = new Map(entries)
  const precision = entries.length === 0 ? undefined : precisionOf(entries[0][1])
  return (path: string, shape: readonly Axis[]): E.Either<string, Tensor> => {
    const leaf = leaves.get(path)
    if (leaf === undefined) return E.left(`checkpoint: tensor ${quoted(path)} is missing`)
    const fits = leaf.shape.length === shape.length && sameShape(leaf.shape, shape.map((axis, i) => axis ?? leaf.shape[i]))
    if (!fits)
      return E.left(`checkpoint: tensor ${quoted(path)} has the shape ${briefShape(leaf.shape)}, expected ${briefShape(shape.map(axis => axis ?? 'any'))}`)
    if (precisionOf(leaf) !== precision) return E.left(`checkpoint: tensor ${quoted(path)} differs in precision from the first one`)
    if (leaf.data.length === 0) return E.left(`checkpoint: tensor ${quoted(path)} of shape ${briefShape(leaf.shape)} has no entries`)
    const wrong = firstNotFinite(leaf)
    return wrong === undefined ? E.right(leaf) : E.left(`checkpoint: tensor ${quoted(path)} holds ${leaf.data[wrong]} at entry ${wrong}, expected finite weights`)
  }
}

/**
 * The parameters of a GPT from named tensors; its sizes follow from their shapes. The left side names the first tensor
 * that is missing, has another shape, holds a number that is not finite, occurs twice, or has no place.
 *
 * @category checkpoints
 */
export const gptFromTensors = (entries: readonly Entry[]): E.Either<string, GptParams> => {
  const leaf = leafIn(entries)
  const all = sequenceS(E.Apply)
  const pair = (path: string, weight: readonly Axis[], bias: number) =>
    all({ weight: leaf(`${path}.weight`, weight), bias: leaf(`${path}.bias`, [bias]) })
  const block = (path: string, width: number): E.Either<string, BlockParams> => all({
    ln_1: pair(`${path}.ln_1`, [width], width),
    attn: all({
      c_attn: pair(`${path}.attn.c_attn`, [width, 3 * width], 3 * width),
      c_proj: pair(`${path}.attn.c_proj`, [width, width], width)
    }),
    ln_2: pair(`${path}.ln_2`, [width], width),
    mlp: pipe(
      leaf(`${path}.mlp.c_fc.weight`, [width, undefined]),
      E.chain(({ shape: [, hidden] }) => all({
        c_fc: pair(`${path}.mlp.c_fc`, [width, hidden], hidden),
        c_proj: pair(`${path}.mlp.c_proj`, [hidden, width], width)
      })))
  })
  const names = new Set<string>()
  for (const [name] of entries) {
    if (names.has(name)) return E.left(`checkpoint: tensor ${quoted(name)} occurs twice`)
    names.add(name)
  }
  let layers = 0
  while (names.has(`h.${layers}.ln_1.weight`)) layers++
  return pipe(
    leaf('wte.weight', [undefined, undefined]),
    E.chain(({ shape: [, width] }) => all({
      wte: all({ weight: leaf('wte.weight', [undefined, width]) }),
      wpe: all({ weight: leaf('wpe.weight', [undefined, width]) }),
      h: E.sequenceArray(Array.from({ length: layers }, (_, i) => block(`h.${i}`, width))),
      ln_f: pair('ln_f', [width], width)
    })),
    E.chain(params => {
      const used = new Set(flatten(params).map(([path]) => path))
      const surplus = entries.find(([name]) => !used.has(name))
      return surplus === undefined ? E.right(params) : E.left(`checkpoint: tensor ${quoted(surplus[0])} has no place in a GPT`)
    }))
}

const notesOf = (metadata: Readonly<Record<string, string>>): E.Either<string, t.TypeOf<typeof Notes>> => {
  const text = metadata[KEY]
  if (text === undefined) return E.left(`checkpoint: the file has no notes under "${KEY}", so its tokenizer is unknown`)
  const subject = `checkpoint: the notes under "${KEY}"`
  return pipe(
    parseJson(text),
    E.mapLeft(problem => `checkpoint: the text of the notes under "${KEY}" ${problem}`),
    E.chain(json => pipe(Notes.decode(json), E.mapLeft(errors => sentenceOf(subject, errors)))),
    E.chain(notes => {
      const surplus = surplusKey(subject, notes, Object.keys(Notes.props))
        ?? surplusKey(`${subject} on the tokenizer`, notes.tokenizer, [...Object.keys(Required.props), ...Object.keys(Optional.props)])
      return surplus === undefined ? E.right(notes) : E.left(surplus)
    }))
}

/** A model of parts that fit one another. */
const assembled = (entries: readonly Entry[], heads: number, description: TokenizerDescription): E.Either<string, Checkpoint> => pipe(
  E.Do,
  E.apS('found', pipe(tokenizer(description), E.mapLeft(problem => `checkpoint: ${problem}`))),
  E.bind('params', () => gptFromTensors(entries)),
  E.chain(({ found, params }) => {
    const [vocabulary, width] = params.wte.weight.shape
    if (vocabulary !== found.symbols.length)
      return E.left(`checkpoint: the embedding has ${vocabulary} rows, but the tokenizer has ${found.symbols.length} symbols`)
    if (!(Number.isInteger(heads) && heads > 0 && width % heads === 0))
      return E.left(`checkpoint: expected a number of heads that divides the width ${width}, got ${heads}`)
    return E.right({ params, heads, tokenizer: found })
  }))

/**
 * The bytes of a checkpoint. Throws `RangeError` for a model that `decodeCheckpoint` would refuse, such as one with a
 * weight that is not finite: a file that nobody can load should not replace one that can be.
 *
 * @category checkpoints
 */
export const encodeCheckpoint = ({ params, heads, tokenizer: { kind, symbols, unknown } }: Checkpoint): Uint8Array => {
  const tensors = flatten(params)
  const whole = assembled(tensors, heads, { kind, symbols, unknown })
  if (E.isLeft(whole)) throw new RangeError(whole.left)
  return encodeSafetensors({ tensors, metadata: { [KEY]: JSON.stringify({ heads, tokenizer: { kind, symbols, unknown } }) } })
}

/**
 * A checkpoint from its bytes. The left side says in one sentence what is wrong with them.
 *
 * @category checkpoints
 */
export const decodeCheckpoint = (bytes: Uint8Array): E.Either<string, Checkpoint> => pipe(
  decodeSafetensors(bytes),
  E.chain(({ tensors, metadata }) => pipe(
    notesOf(metadata),
    E.chain(notes => assembled(tensors, notes.heads, notes.tokenizer)))))

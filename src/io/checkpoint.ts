/**
 * A trained language model as one safetensors file: its parameters under GPT-2's names, and in the notes what is
 * needed to use them, the number of heads and the tokenizer.
 *
 * A model whose weights are not all finite computes nothing, so such a file is refused by the name of the tensor, when it
 * is read and before it is written over a good one. What must be kept as it is goes through `encodeSafetensors`.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import type { GptParams } from '../models/gpt.js'
import { tokenizerFrom, type Tokenizer, type TokenizerDescription } from '../text/tokenizer.js'
import { type Entry, flatten } from '../tree/tree.js'
import { gptFromTensors } from './gptFile.js'
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
  E.apS('found', pipe(tokenizerFrom(description), E.mapLeft(problem => `checkpoint: ${problem}`))),
  E.bind('params', () => pipe(gptFromTensors(entries), E.mapLeft(problem => `checkpoint: ${problem}`))),
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
 * @example
 * const params = initGpt({ vocabulary: 3, context: 4, width: 8, layers: 1 })(random.key(0))
 * pipe(characterTokenizer()('abc'), E.map(tokenizer => encodeCheckpoint({ params, heads: 2, tokenizer }) instanceof Uint8Array)) // E.right(true)
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
 * @example
 * const params = initGpt({ vocabulary: 3, context: 4, width: 8, layers: 1 })(random.key(0))
 * const bytes = pipe(characterTokenizer()('abc'), E.map(tokenizer => encodeCheckpoint({ params, heads: 2, tokenizer })))
 * pipe(bytes, E.chain(decodeCheckpoint), E.map(({ heads }) => heads)) // E.right(2)
 *
 * @category checkpoints
 */
export const decodeCheckpoint = (bytes: Uint8Array): E.Either<string, Checkpoint> => pipe(
  decodeSafetensors(bytes),
  E.chain(({ tensors, metadata }) => pipe(
    notesOf(metadata),
    E.chain(notes => assembled(tensors, notes.heads, notes.tokenizer)))))

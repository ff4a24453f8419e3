/**
 * A run with all that belongs to it: made anew, from a file of weights, or from what was kept.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import { decodeCheckpoint, decodeSafetensors, encodeCheckpoint, encodeSafetensors, tree, type Tokenizer } from 'pullback'
import { type Curve, emptyCurve, extended, type Point } from './curve.js'
import { queryOf, settingsOf } from './fields.js'
import { begunWith, type Corpus, corpusOf, firstOf, gptRun, type GptTrained, tokenizerOf } from './gptRun.js'
import { disagreement, GPT_FIELDS, type GptSettings } from './gptSettings.js'

export interface Sample {
  readonly step: number
  readonly prompt: string
  readonly text: string
}

export interface Session {
  readonly settings: GptSettings
  readonly text: string
  readonly tokenizer: Tokenizer
  /** A sentence if a model from a file cannot learn the text. */
  readonly corpus: E.Either<string, Corpus>
  readonly trained: GptTrained
  readonly curve: Curve
  readonly heldOut: readonly Point[]
  readonly samples: readonly Sample[]
}

const begun = (settings: GptSettings, text: string, tokenizer: Tokenizer, trained: GptTrained): Session =>
  ({ settings, text, tokenizer, corpus: corpusOf(tokenizer, text, settings.context), trained, curve: emptyCurve, heldOut: [], samples: [] })

/** A new run; a sentence if its settings or its text are not good for one. */
export const newSession = (settings: GptSettings, text: string): E.Either<string, Session> => {
  const wrong = disagreement(settings)
  if (wrong !== undefined) return E.left(wrong)
  return pipe(
    tokenizerOf(text),
    E.map(tokenizer => begun(settings, text, tokenizer, firstOf(settings, tokenizer.symbols.length))),
    E.chainFirst(({ corpus }) => corpus))
}

/** More steps. */
export const trainedFor = (session: Session, corpus: Corpus, steps: number, until?: () => boolean): Session => {
  const { params, state, losses } = gptRun(session.settings, corpus).advanced(steps, until)(session.trained)
  return { ...session, trained: { params, state }, curve: extended(losses)(session.curve) }
}

const MOST_SAMPLES = 8

/** With another sample. Those before it are kept at steps that grow by half each time, so that they show all of the run. */
export const sampled = (sample: Sample) => (session: Session): Session => {
  const { samples } = session, last = samples[samples.length - 1], before = samples[samples.length - 2]
  const replaces = last !== undefined && (last.step === sample.step || (before !== undefined && last.step < 1.5 * before.step + 10))
  const next = [...(replaces ? samples.slice(0, -1) : samples), sample]
  return { ...session, samples: next.length > MOST_SAMPLES ? [next[0], ...next.slice(2)] : next }
}

/** The weights with what is needed to use them, as one file that Node loads with `loadCheckpoint`. */
export const weightsOf = ({ trained: { params }, settings: { heads }, tokenizer }: Session): Uint8Array => encodeCheckpoint({ params, heads, tokenizer })

/** A run that goes on from the weights of a file, with the sizes that these have. */
export const sessionOfFile = (bytes: Uint8Array, chosen: GptSettings, text: string): E.Either<string, Session> => pipe(
  decodeCheckpoint(bytes),
  E.chain(({ params, heads, tokenizer }) => {
    const sizes = { blocks: params.h.length, heads, width: params.wte.weight.shape[1], context: params.wpe.weight.shape[0] }
    const read = settingsOf(GPT_FIELDS)(new URLSearchParams(Object.entries(sizes).map(([name, size]) => [name, String(size)])).toString())
    const wrong = Object.entries(sizes).find(([name, size]) => Object.entries(read.settings).some(([other, value]) => other === name && value !== size))
    if (wrong !== undefined) return E.left(`its model has ${wrong[0]} ${wrong[1]}, which is more or less than this page takes`)
    const settings = { ...chosen, ...sizes }
    return E.right(begun(settings, text, tokenizer, begunWith(settings, params)))
  }))

/** What is kept of a run: weights and slots as files, and the rest as JSON. */
export interface Kept {
  readonly weights: Uint8Array
  readonly slots: Uint8Array
  readonly notes: string
}

const Notes = t.type({
  query: t.string, text: t.string, step: t.number,
  curve: t.type({ size: t.number, means: t.array(t.number), rest: t.array(t.number) }),
  heldOut: t.array(t.tuple([t.number, t.number])),
  samples: t.array(t.type({ step: t.number, prompt: t.string, text: t.string }))
})

export const keptOf = (session: Session): Kept => {
  const { settings, text, trained: { state }, curve, heldOut, samples } = session
  return {
    weights: weightsOf(session),
    slots: encodeSafetensors({ tensors: tree.flatten(state.slots), metadata: {} }),
    notes: JSON.stringify({ query: queryOf(GPT_FIELDS)(settings), text, step: state.step, curve, heldOut, samples })
  }
}

export const sessionOfKept = ({ weights, slots, notes }: Kept): E.Either<string, Session> => pipe(
  E.Do,
  E.apS('model', decodeCheckpoint(weights)),
  E.apS('entries', decodeSafetensors(slots)),
  E.apS('notes', pipe(E.tryCatch((): unknown => JSON.parse(notes), () => 'its notes are not JSON'), E.chain(json => pipe(Notes.decode(json), E.mapLeft(() => 'its notes are incomplete'))))),
  E.bind('slots', ({ model: { params }, entries }) => tree.unflatten({ m: params, v: params })(entries.tensors)),
  E.map(({ model: { params, tokenizer }, notes: { query, text, step, ...rest }, slots: means }) => {
    const { settings } = settingsOf(GPT_FIELDS)(query)
    return { ...begun(settings, text, tokenizer, { params, state: { step, slots: means } }), ...rest }
  }))

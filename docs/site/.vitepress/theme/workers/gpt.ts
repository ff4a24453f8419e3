/**
 * Trains the GPT of the playground, in slices short enough that messages are heard between them, and looks at it now and then.
 */
import * as E from 'fp-ts/lib/Either.js'
import { kernelsInUse, threadsInUse, tree } from 'pullback'
import { appended, pointsOf } from '../lib/playground/curve.js'
import { initialOf, sameSettings } from '../lib/playground/fields.js'
import { backwardFlow } from '../lib/playground/flow.js'
import type { GptReply, GptRequest, Opened, Opening } from '../lib/playground/gptMessages.js'
import { gptRun } from '../lib/playground/gptRun.js'
import { GPT_FIELDS, VIEW_FIELDS } from '../lib/playground/gptSettings.js'
import { holderOf } from '../lib/playground/holding.js'
import { attentionTo, candidatesAfter, sampleAfter, type Seen } from '../lib/playground/looking.js'
import { speedOf, type Mark } from '../lib/playground/speed.js'
import { keptOf, newSession, sampled, type Session, sessionOfFile, sessionOfKept, trainedFor, weightsOf } from '../lib/playground/session.js'
import { keep, recalled } from '../lib/playground/store.js'
import { fingerprint } from '../lib/playground/text.js'

/** Milliseconds of a slice of training, and between two looks of each kind. */
const SLICE = 100
const EVERY = { curves: 250, look: 500, flow: 1000, heldOut: 1000, samples: 2000, keep: 4000 }

/** And at least so many times as long as a look took, so that on a slow machine they take no more of the time than on a fast one. */
const APART = 40

type Task = keyof typeof EVERY

let session: Session | undefined
let running = false
let view = initialOf(VIEW_FIELDS)
let marks: readonly Mark[] = []
const due: { [task in Task]: number } = { curves: 0, look: 0, flow: 0, heldOut: 0, samples: 0, keep: 0 }

const reply = (message: GptReply): void => { postMessage(message) }
const complain = (sentence: string, about: 'prompt' | 'keeping' | 'run' = 'run'): void => { reply({ kind: 'problem', about, sentence }) }
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const seenOf = ({ trained: { params }, settings: { heads }, tokenizer }: Session): Seen => ({ params, heads, tokenizer })

const progress = ({ trained: { state }, settings, curve }: Session): void => {
  const last = curve.rest[curve.rest.length - 1] ?? curve.means[curve.means.length - 1]
  reply({ kind: 'progress', step: state.step, running, loss: last, tokensPerSecond: speedOf(marks, settings.batch * settings.context) })
}

const look = (current: Session): Session => {
  const attention = attentionTo(seenOf(current), view.prompt), candidates = candidatesAfter(seenOf(current), view)
  if (E.isLeft(attention) || E.isLeft(candidates)) complain(E.isLeft(attention) ? attention.left : '', 'prompt')
  else {
    complain('', 'prompt')
    reply({ kind: 'look', attention: attention.right, candidates: candidates.right })
  }
  return current
}

const write = (current: Session): Session => {
  const text = sampleAfter(seenOf(current), view, current.settings.seed)
  if (E.isLeft(text)) return current
  const next = sampled({ step: current.trained.state.step, prompt: view.prompt, text: text.right })(current)
  reply({ kind: 'samples', samples: next.samples })
  return next
}

const curves = (current: Session): Session => {
  reply({ kind: 'curves', training: pointsOf(current.curve), heldOut: current.heldOut })
  return current
}

/** The loss of held-out text, once for each step. */
const judge = (current: Session): Session => {
  const { corpus, trained: { params, state }, heldOut, settings } = current
  if (E.isLeft(corpus) || heldOut[heldOut.length - 1]?.[0] === state.step) return current
  return curves({ ...current, heldOut: appended([state.step, gptRun(settings, corpus.right).heldOutLoss(params)])(heldOut) })
}

const flow = (current: Session): Session => {
  const { corpus, trained: { params, state }, settings } = current
  if (E.isRight(corpus)) reply({ kind: 'flow', flow: backwardFlow(settings.heads, params, gptRun(settings, corpus.right).batchAt(state.step)) })
  return current
}

/** A page that is reloaded may meet the lock of the page that it was, for a moment. */
const mayKeep = holderOf((navigator as Partial<WorkerNavigator>).locks, 'pullback-playground-gpt', 1000) // a page without a secure origin has no locks

const keepNow = (current: Session): Session => {
  const kept = keptOf(current)
  mayKeep().then(async may => {
    if (may) await keep(kept)
    complain(may ? '' : 'Another tab has a run that the browser keeps; the run of this one is not kept while that is open.', 'keeping')
  }).catch((error: unknown) => { complain(`The browser does not keep this run: ${messageOf(error)}`, 'keeping') })
  return current
}

const TASKS: { readonly [task in Task]: (current: Session) => Session } = { curves, look, flow, heldOut: judge, samples: write, keep: keepNow }
const NAMES = Object.keys(EVERY) as readonly Task[] // the names of its own fields

const perform = (task: Task, current: Session): Session => {
  const begin = performance.now(), next = TASKS[task](current), end = performance.now()
  due[task] = end + Math.max(EVERY[task], APART * (end - begin))
  return next
}

/** Everything that there is to see of a run that stands still; a kept one is kept already. */
const showAll = (current: Session, keeping: boolean): void => {
  session = NAMES.filter(task => task !== 'keep' || keeping).reduce((now, task) => perform(task, now), current)
  progress(session)
}

const stop = (): void => { running = false }

/** A turn of the event loop, in which messages are heard, without the delay that timers have. */
const turns = new MessageChannel()
const turn = (): void => { turns.port2.postMessage(undefined) }

const slice = (steps: number, until: () => boolean): void => {
  if (session === undefined) return
  if (E.isLeft(session.corpus)) {
    stop()
    complain(session.corpus.left)
    return
  }
  session = trainedFor(session, session.corpus.right, steps, until)
}

const goOn = (): void => {
  if (!running || session === undefined) return
  const end = performance.now() + SLICE
  slice(Number.MAX_SAFE_INTEGER, () => performance.now() >= end)
  const now = performance.now()
  marks = [...marks.filter(({ time }) => time > now - 3000), { time: now, step: session.trained.state.step }]
  progress(session)
  // At most one look between two slices, the one that has waited longest, so that none makes the page wait.
  const next = NAMES.reduce((a, b) => (due[b] < due[a] ? b : a))
  if (due[next] <= now) session = perform(next, session)
  turn()
}

/** A run that the reader chose is kept at once; one that an address opened only when it is trained, so that a look at it costs no other run. */
const show = (opened: Session, from: Opened['from'], keeping: boolean): void => {
  stop()
  marks = []
  session = opened
  const { settings, text, tokenizer, trained: { params }, corpus } = opened
  reply({ kind: 'opened', opened: {
    settings, text, from, parameters: tree.count(params), vocabulary: tokenizer.symbols.length, threads: threadsInUse(), isolated: crossOriginIsolated,
    kernels: kernelsInUse(), refusal: E.isLeft(corpus) ? corpus.left : ''
  } })
  showAll(opened, keeping)
}

/** The run that was kept, if it is there, can be read, and is the one that is meant. */
const keptRun = async ({ settings, kept }: Opening): Promise<Session | undefined> => {
  if (kept === 'none') return undefined
  try {
    const found = await recalled()
    if (found === undefined) return undefined
    const read = sessionOfKept(found)
    if (E.isLeft(read)) {
      complain(`The run that was kept cannot be read: ${read.left}. A new one begins.`)
      return undefined
    }
    const meant = kept === 'any' || (sameSettings(GPT_FIELDS)(read.right.settings, settings) && fingerprint(read.right.text) === kept.fingerprint)
    return meant ? read.right : undefined
  } catch (error) {
    complain(`The browser keeps no runs here: ${messageOf(error)}`)
    return undefined
  }
}

const open = async (opening: Opening): Promise<void> => {
  const kept = await keptRun(opening)
  if (kept !== undefined) {
    show(kept, 'kept', false)
    return
  }
  const made = newSession(opening.settings, opening.text)
  if (E.isLeft(made)) complain(made.left)
  else show(made.right, 'new', opening.kept === 'none')
}

const load = (name: string, bytes: Uint8Array): void => {
  if (session === undefined) return
  const loaded = sessionOfFile(bytes, session.settings, session.text)
  if (E.isLeft(loaded)) complain(`“${name}” was not loaded: ${loaded.left}.`)
  else show(loaded.right, 'file', true)
}

const answer = (request: GptRequest): void => {
  if (request.kind === 'open') {
    open(request.opening).catch((error: unknown) => { complain(`The run could not be opened: ${messageOf(error)}.`) })
    return
  }
  if (request.kind === 'view') view = request.view
  if (session === undefined) return
  if (request.kind === 'train' && !running) {
    running = true
    marks = []
    turn()
  }
  if (request.kind === 'pause' || request.kind === 'step') {
    stop()
    if (request.kind === 'step') slice(1, () => false)
    showAll(session, true)
  }
  if (request.kind === 'view') session = perform('samples', perform('look', session))
  if (request.kind === 'keep' && session.trained.state.step > 0) session = keepNow(session)
  if (request.kind === 'save') reply({ kind: 'weights', bytes: new Uint8Array(weightsOf(session)) })
  if (request.kind === 'load') load(request.name, request.bytes)
}

/** What is said of anything that fails: training stops, and what was learned before is still there. */
const safely = (f: () => void): void => {
  try {
    f()
  } catch (error) {
    stop()
    complain(`The training stopped: ${messageOf(error)}. A smaller learning rate may help.`)
    if (session !== undefined) progress(session)
  }
}

turns.port1.onmessage = () => { safely(goOn) }
onmessage = ({ data }: MessageEvent<GptRequest>) => { safely(() => { answer(data) }) }

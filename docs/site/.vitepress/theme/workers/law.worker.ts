/**
 * Runs laws of the derivations in the page: on fresh cases, with the code of a step changed, and on planted mistakes.
 */
import fc from 'fast-check'
import { chapters, type Derivation } from 'pullback/laws'
import { messageOf } from '../lib/code/errors.js'
import type { FromLaw, ToLaw } from '../lib/derivation/messages.js'
import { compileStep, Problem } from '../lib/derivation/reader.js'
import { tryStep } from '../lib/derivation/trial.js'
import { caseText } from '../lib/derivation/values.js'

const pages = new Map(chapters.flatMap(chapter => chapter.pages).map(({ key, derivation }) => [key, derivation] as const))

const tell = (message: FromLaw): void => { postMessage(message) }

/** Milliseconds that one law and one mistake may take. */
const LAW = 5000, BUG = 20_000

let current = 0

const pageOf = (key: string): Derivation => {
  const page = pages.get(key)
  if (page === undefined) throw new Problem(`No page is called ${key}.`)
  return page
}

const turn = (): Promise<void> => new Promise(resolve => { setTimeout(resolve, 0) })

const runLaws = async ({ id, page, laws, seed, cases: numRuns }: ToLaw & { readonly kind: 'laws' }): Promise<void> => {
  const derivation = pageOf(page)
  for (const place of laws) {
    await turn()
    if (id !== current) return
    let worst = 0, cases = 0
    const { failed, errorInstance } = fc.check(derivation.laws[place].observed(error => {
      worst = Number.isNaN(worst) ? worst : Math.max(worst, error)
      cases++
    }), { seed, numRuns, interruptAfterTimeLimit: LAW })
    tell({ kind: 'law', id, law: place, worst, cases, failure: failed ? String(errorInstance instanceof Error ? errorInstance.message : errorInstance) : undefined })
  }
}

const tryCode = async ({ id, page, place, code, helpers, aliases, seed }: ToLaw & { readonly kind: 'try' }): Promise<void> => {
  tell({ kind: 'at', id, reader: true })
  const step = compileStep(code, helpers, aliases)
  tell({ kind: 'at', id, reader: false })
  const outcome = await tryStep(pageOf(page), place, step, seed, {
    at: reader => { tell({ kind: 'at', id, reader }) },
    soFar: (cases, worst) => { tell({ kind: 'soFar', id, cases, worst }) },
    failing: () => { tell({ kind: 'failing', id }) },
    stopped: () => id !== current
  })
  if (outcome.kind === 'stopped') return
  tell({ ...outcome, id })
}

const runBug = async ({ id, bug: name, seed }: ToLaw & { readonly kind: 'bug' }): Promise<void> => {
  const { bugs } = await import('../../../../../test/zoo/bugs.js')
  const bug = bugs.find(({ bug: title }) => title === name), law = bug?.laws.find(({ name: title }) => title === bug.caughtBy)
  if (law === undefined) throw new Problem(`No mistake is called "${name}".`)
  const { failed, errorInstance, counterexample, numRuns, numShrinks } = fc.check(law.property, { seed, numRuns: 200, interruptAfterTimeLimit: BUG })
  if (!failed) throw new Problem(`The law did not notice it in ${numRuns} cases of the seed ${seed}. Run it again.`)
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  // The first line is the statement, which the page prints.
  tell({ kind: 'caught', id, explanation: message.split('\n').slice(1).join('\n') || message, example: caseText(Array.isArray(counterexample) && counterexample.length === 1 ? counterexample[0] : counterexample), cases: numRuns, shrinks: numShrinks })
}

onmessage = async ({ data }: MessageEvent<ToLaw>) => {
  current = data.id
  if (data.kind === 'stop') return
  tell({ kind: 'at', id: data.id, reader: false })
  try {
    if (data.kind === 'laws') await runLaws(data)
    else if (data.kind === 'try') await tryCode(data)
    else await runBug(data)
  } catch (error) {
    tell({ kind: 'problem', id: data.id, text: error instanceof Problem ? error.message : messageOf(error) })
  }
  tell({ kind: 'done', id: data.id })
}

tell({ kind: 'ready' })

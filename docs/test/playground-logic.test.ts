/**
 * What the playground computes, without a browser.
 */
import * as E from 'fp-ts/lib/Either.js'
import { crossEntropy, gpt, lossAndGradient, random, tensor, tree } from 'pullback'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { apart, chartOf, ticks } from '../site/.vitepress/theme/lib/playground/chart.js'
import { linePath, zeroLine } from '../site/.vitepress/theme/lib/playground/contour.js'
import { appended, emptyCurve, extended, MOST_POINTS, pointsOf, type Point } from '../site/.vitepress/theme/lib/playground/curve.js'
import { pointsOf as dataOf, DATA_SETS } from '../site/.vitepress/theme/lib/playground/data.js'
import { initialOf, queryOf, refusalOf, settingsOf } from '../site/.vitepress/theme/lib/playground/fields.js'
import { backwardFlow, probedGradient } from '../site/.vitepress/theme/lib/playground/flow.js'
import { flowTable } from '../site/.vitepress/theme/lib/playground/flowTable.js'
import { gptRun } from '../site/.vitepress/theme/lib/playground/gptRun.js'
import { disagreement, GPT_FIELDS, gptSettingsOf, VIEW_FIELDS } from '../site/.vitepress/theme/lib/playground/gptSettings.js'
import { holderOf, type Locks } from '../site/.vitepress/theme/lib/playground/holding.js'
import { attentionTo, candidatesAfter, sampleAfter } from '../site/.vitepress/theme/lib/playground/looking.js'
import { MLP_FIELDS } from '../site/.vitepress/theme/lib/playground/mlpSettings.js'
import { keptOf, newSession, sampled, sessionOfFile, sessionOfKept, trainedFor, weightsOf, type Session } from '../site/.vitepress/theme/lib/playground/session.js'
import { withSentence } from '../site/.vitepress/theme/lib/playground/sentences.js'
import { keep, recalled } from '../site/.vitepress/theme/lib/playground/store.js'
import { DEFAULT_TEXT, fingerprint } from '../site/.vitepress/theme/lib/playground/text.js'

const SMALL = { ...initialOf(GPT_FIELDS), width: 16, heads: 2, context: 16, batch: 4 }

const right = <A>(either: E.Either<string, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left)
  return either.right
}
const begun = (): Session => right(newSession(SMALL, DEFAULT_TEXT))
const trained = (session: Session, steps: number): Session => trainedFor(session, right(session.corpus), steps)
const bitsOf = (session: Session): readonly number[] => tree.flatten({ params: session.trained.params, slots: session.trained.state.slots }).flatMap(([, leaf]) => tensor.toArray(leaf))
/** The first number in which two states differ; −1 if there is none. */
const difference = (a: Session, b: Session): number => {
  const [here, there] = [bitsOf(a), bitsOf(b)]
  return here.length === there.length ? here.findIndex((x, i) => !Object.is(x, there[i])) : here.length
}

describe('settings in an address', () => {
  test('come back as they were written', () => {
    const mlp = { ...initialOf(MLP_FIELDS), data: 'spirals', hidden: [8, 8, 3], rate: 0.03, noise: 0.17, seed: 42 } as const
    expect(settingsOf(MLP_FIELDS)(queryOf(MLP_FIELDS)(mlp))).toEqual({ settings: mlp, problems: [] })
    const view = { prompt: 'a & b = c?', temperature: 0.35, top: 7 }
    expect(settingsOf(VIEW_FIELDS)(queryOf(VIEW_FIELDS)(view))).toEqual({ settings: view, problems: [] })
  })

  test.each(['width=seven', 'width=7', 'width=64.5', 'width=', 'width=0x40', 'width=Infinity'])('%s is refused by name', query => {
    const { settings, problems } = settingsOf(GPT_FIELDS)(query)
    expect(settings).toEqual(initialOf(GPT_FIELDS))
    expect(problems).toEqual([`The address says ${query}, where an integer from 8 to 256 was expected; 64 is used.`])
  })

  test('that a form was given are refused by name', () => {
    expect(['-5', '', '1.5'].map(given => GPT_FIELDS.seed.read(given))).toEqual([undefined, undefined, undefined])
    expect(refusalOf('seed', GPT_FIELDS.seed, '-5', 3)).toBe('The seed is -5, where an integer from 0 to 999999 was expected; it stays 3.')
    expect(refusalOf('seed', GPT_FIELDS.seed, '', 3)).toBe('The seed is empty, where an integer from 0 to 999999 was expected; it stays 3.')
  })

  test('that do not fit together are said, and a run begins all the same', () => {
    expect(gptSettingsOf('width=10&heads=4&seed=9')).toEqual({
      settings: { ...initialOf(GPT_FIELDS), seed: 9 }, problems: ['A width of 10 cannot be cut into 4 heads of one size. A width of 64 and 4 heads are used.']
    })
    expect(gptSettingsOf('width=12&heads=3').problems).toEqual([])
    for (let heads = 1; heads <= 8; heads++) for (let width = 8; width <= 256; width++) {
      expect(disagreement(gptSettingsOf(`width=${width}&heads=${heads}`).settings)).toBe(undefined)
    }
  })

  test.each(['hidden=4-', 'hidden=4-4-4-4-4', 'hidden=4-99'])('%s is refused', query => {
    expect(settingsOf(MLP_FIELDS)(query).problems).toHaveLength(1)
  })
})

test('what went wrong stays said when more is said, and is said once', () => {
  const said = ['a', '', 'b', 'a', ''].reduce<readonly string[]>((all, sentence) => withSentence(sentence)(all), [])
  expect(said).toEqual(['a', 'b'])
})

describe('a store of the browser that does not answer', () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  test.each([['to be opened', { open: () => ({}) }], ['to be used', {
    open: () => {
      const request = { result: { transaction: () => ({ objectStore: () => ({ get: () => ({}), put: () => ({}) }) }), close: () => undefined }, onsuccess: () => undefined }
      queueMicrotask(() => { request.onsuccess() })
      return request
    }
  }]])('%s is given up', async (_, indexedDB) => {
    vi.useFakeTimers()
    vi.stubGlobal('indexedDB', indexedDB)
    const found = expect(recalled()).rejects.toThrow('its store did not answer in 2 seconds')
    const written = expect(keep({ weights: new Uint8Array(), slots: new Uint8Array(), notes: '' })).rejects.toThrow('its store did not answer in 20 seconds')
    await vi.advanceTimersByTimeAsync(20_000)
    await Promise.all([found, written])
  })
})

describe('the right to keep a run', () => {
  /** The locks of one browser: one name, handed on when the tab that has it is closed. */
  const browserOf = () => {
    let taken = false
    const waiting = new Set<() => void>()
    const locks: Locks = {
      request: (_, { signal }, use) => new Promise<never>((_resolve, reject) => {
        const grant = (): void => {
          taken = true
          waiting.delete(grant)
          void use()
        }
        signal.addEventListener('abort', () => { if (waiting.delete(grant)) reject(new Error('it took too long')) })
        if (taken) waiting.add(grant)
        else grant()
      })
    }
    return { locks, close: () => {
      taken = false
      const [next] = waiting
      next?.()
    } }
  }

  test('is that of one tab, until it is closed', async () => {
    const { locks, close } = browserOf(), [first, second] = [holderOf(locks, 'run', 20), holderOf(locks, 'run', 20)]
    expect(await Promise.all([first(), first(), second()])).toEqual([true, true, false])
    expect(await second()).toBe(false)
    close()
    expect([await second(), await second()]).toEqual([true, true])
  })

  test('is waited for while a page is reloaded', async () => {
    const { locks, close } = browserOf()
    await holderOf(locks, 'run', 1000)()
    const next = holderOf(locks, 'run', 1000)()
    close()
    expect(await next).toBe(true)
  })

  test('is everyone’s without locks, and an error is no other tab', async () => {
    expect(await holderOf(undefined, 'run', 20)()).toBe(true)
    await expect(holderOf({ request: () => Promise.reject(new Error('refused here')) }, 'run', 1000)()).rejects.toThrow('refused here')
  })
})

describe('a curve', () => {
  const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i / 100) + i % 7)

  test('does not depend on how it came', () => {
    const [whole, pieces] = [extended(values)(emptyCurve), values.reduce((curve, value) => extended([value])(curve), emptyCurve)]
    expect(pieces).toEqual(whole)
  })

  test('has few points, each the mean of its steps', () => {
    const curve = extended(values)(emptyCurve), points = pointsOf(curve)
    expect(points.length).toBeLessThanOrEqual(MOST_POINTS)
    expect(points.length * curve.size + curve.rest.length).toBe(values.length)
    points.forEach(([step, mean]) => {
      const own = values.slice(step - curve.size / 2, step + curve.size / 2)
      expect(mean).toBeCloseTo(own.reduce((a, b) => a + b) / curve.size, 10)
    })
  })

  test('of single points keeps the first and the last', () => {
    const points = Array.from({ length: 3000 }, (_, i): Point => [i, i + 1]).reduce<readonly Point[]>((all, point) => appended(point)(all), [])
    expect([points[0], points[points.length - 1]]).toEqual([[0, 1], [2999, 3000]])
    expect(points.length).toBeLessThanOrEqual(MOST_POINTS + 1)
  })
})

describe('a chart', () => {
  test('has round ticks that end at or before the end', () => {
    expect(ticks(4, 4)).toEqual([0, 1, 2, 3, 4])
    expect(ticks(0.7, 4)).toEqual([0, 0.2, 0.4, 0.6])
    expect(ticks(1234, 5)).toEqual([0, 500, 1000])
  })

  test('keeps labels apart', () => {
    const places = apart([100, 101, 30], 110)
    expect(Math.abs(places[0] - places[1])).toBeGreaterThanOrEqual(15)
    expect(Math.max(...places)).toBeLessThanOrEqual(110)
  })

  test('draws larger values higher, and nothing for a series without points', () => {
    const { lines } = chartOf([{ name: 'a', colour: '--a', points: [[0, 1], [10, 3]] }, { name: 'b', colour: '--b', points: [[10, 2]] }, { name: 'c', colour: '--c', points: [] }], { width: 400, height: 200 })
    expect(lines.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(lines[0].end.y).toBeLessThan(lines[1].end.y)
  })
})

test('the line of a function stands where the function is 0', () => {
  const size = 24, at = (x: number, y: number): number => Math.hypot(x - 12, y - 12) - 7
  const pieces = zeroLine(size, Array.from({ length: size * size }, (_, i) => at(i % size + 0.5, Math.floor(i / size) + 0.5)))
  expect(pieces.length).toBeGreaterThan(30)
  for (const piece of pieces) for (const [x, y] of piece) expect(Math.abs(at(x, y))).toBeLessThan(0.05)
  expect(linePath(pieces, 1).match(/M/g)).toHaveLength(pieces.length)
})

test.each(DATA_SETS)('%s: points repeat by key, and both classes are there', set => {
  const draw = dataOf(set, 0.05, 100), { points, labels } = draw(random.key(5))
  expect(tensor.toArray(draw(random.key(5)).points)).toEqual(tensor.toArray(points))
  expect(tensor.toArray(draw(random.key(6)).points)).not.toEqual(tensor.toArray(points))
  const ones = tensor.toArray(labels).reduce((a, b) => a + b)
  expect(ones).toBeGreaterThan(25)
  expect(ones).toBeLessThan(75)
  for (const x of tensor.toArray(points)) expect(Math.abs(x)).toBeLessThan(1.25)
})

describe('the backward flow', () => {
  const { trained: { params }, corpus, settings } = trained(begun(), 5)
  const example = gptRun(settings, right(corpus)).batchAt(9), { gradient } = lossAndGradient(gpt({ heads: 2 }), crossEntropy())(params, example)

  test('shows the gradient of the library, to the bit', () => {
    const probed = new Map(tree.flatten(probedGradient(2, params, example)))
    for (const [path, leaf] of tree.flatten(gradient)) expect(tensor.toArray(probed.get(path) ?? tensor.zeros([0]))).toEqual(tensor.toArray(leaf))
  })

  test('adds up at every sum: what goes out is what goes straight and what comes through', () => {
    const probed = probedGradient(2, params, example)
    probed.h.forEach((block, i) => {
      const close = (sum: readonly number[], expected: readonly number[]): void => { sum.forEach((x, j) => { expect(x).toBeCloseTo(expected[j], 8) }) }
      close(tensor.toArray(tensor.add(block.into_attention)(block.at_network)), tensor.toArray(block.at_attention))
      close(tensor.toArray(tensor.add(block.into_network)(probed.h[i + 1]?.at_attention ?? probed.at_end)), tensor.toArray(block.at_network))
    })
  })

  test('is told from the last half to the first, and its table has the norms of the gradient', () => {
    const { halves, parameters } = backwardFlow(2, params, example)
    expect(halves.map(({ block, part }) => `${block} ${part}`)).toEqual(['1 feed-forward', '1 attention', '0 feed-forward', '0 attention'])
    halves.slice(1).forEach(({ straight }, i) => { expect(straight).toBe(halves[i].out) })
    const { rows, others } = flowTable(parameters)
    expect(rows.map(({ path }) => path)).toEqual(['ln_1', 'attn.c_attn', 'attn.c_proj', 'ln_2', 'mlp.c_fc', 'mlp.c_proj'])
    const squares = [...rows.flatMap(({ norms }) => norms), ...others.map(({ norm }) => norm)].reduce((sum, norm) => sum + norm ** 2, 0)
    expect(squares).toBeCloseTo(tree.flatten(gradient).reduce((sum, [, leaf]) => sum + tensor.norm(leaf) ** 2, 0), 8)
  })
})

describe('looking', () => {
  const { trained: { params }, settings: { heads }, tokenizer } = trained(begun(), 5), seen = { params, heads, tokenizer }
  const view = { prompt: 'On Monday the miller', temperature: 0.8, top: 3 }

  test('attention is nothing but the past, and every row a distribution', () => {
    const { symbols, blocks, weights } = right(attentionTo(seen, view.prompt)), T = symbols.length
    expect([T, blocks, weights.length]).toEqual([16, 2, 2 * 2 * 16 * 16])
    for (let row = 0; row < weights.length / T; row++) {
      const query = row % T, all = Array.from(weights.subarray(row * T, (row + 1) * T))
      expect(all.slice(query + 1).every(weight => weight === 0)).toBe(true)
      expect(all.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
    }
  })

  test('top-k leaves k candidates, temperature 0 one', () => {
    const chosen = (temperature: number, top: number) => right(candidatesAfter(seen, { ...view, temperature, top })).map(candidate => candidate.chosen)
    expect(chosen(0.8, 3).filter(p => p > 0)).toHaveLength(3)
    expect(chosen(0, 0)).toEqual([1, 0, 0, 0, 0, 0, 0, 0])
    expect(chosen(1, 0)).toEqual(right(candidatesAfter(seen, view)).map(({ probability }) => probability))
  })

  test('a sample repeats by its seed', () => {
    expect(sampleAfter(seen, view, 1)).toEqual(sampleAfter(seen, view, 1))
    expect(sampleAfter(seen, view, 2)).not.toEqual(sampleAfter(seen, view, 1))
  })

  test('an unknown symbol gives a sentence', () => {
    expect(attentionTo(seen, 'On €')).toEqual(E.left(`The prompt cannot be read: symbol "€" at position 3 is not in the vocabulary of ${tokenizer.symbols.length} symbols.`))
    expect(sampleAfter(seen, { ...view, prompt: '' }, 1)).toEqual(E.left('The prompt is empty; the model needs a first character.'))
  })
})

describe('a run', () => {
  test('goes on from what was kept as if nothing had happened, to the bit', () => {
    const half = sampled({ step: 4, prompt: 'a', text: 'b' })(trained(begun(), 4)), back = right(sessionOfKept(keptOf(half)))
    expect(difference(trained(back, 3), trained(half, 3))).toBe(-1)
    expect(difference(trained(back, 3), trained(begun(), 7))).toBe(-1)
    expect({ ...back, tokenizer: back.tokenizer.symbols, trained: 0, corpus: 0 }).toEqual({ ...half, tokenizer: half.tokenizer.symbols, trained: 0, corpus: 0 })
  })

  test('has a batch of its own for every step, always the same one', () => {
    const { batchAt } = gptRun(SMALL, right(begun().corpus))
    const batches = Array.from({ length: 20 }, (_, step) => tensor.toArray(batchAt(step).input).join())
    expect(new Set(batches).size).toBe(20)
    expect(tensor.toArray(batchAt(7).input).join()).toBe(batches[7])
  })

  test('of another seed is another', () => {
    expect(difference(right(newSession({ ...SMALL, seed: 2 }, DEFAULT_TEXT)), begun())).not.toBe(-1)
  })

  test('that was kept badly is a sentence', () => {
    const kept = keptOf(begun())
    expect(sessionOfKept({ ...kept, notes: '{' })).toEqual(E.left('its notes are not JSON'))
    expect(sessionOfKept({ ...kept, notes: '{}' })).toEqual(E.left('its notes are incomplete'))
    expect(E.isLeft(sessionOfKept({ ...kept, slots: kept.weights }))).toBe(true)
  })

  test('from a file takes its sizes, and learns only what it can spell', () => {
    const bytes = weightsOf(trained(begun(), 2)), chosen = initialOf(GPT_FIELDS)
    expect(right(sessionOfFile(bytes, chosen, DEFAULT_TEXT)).settings).toEqual({ ...chosen, blocks: 2, heads: 2, width: 16, context: 16 })
    expect(right(sessionOfFile(bytes, chosen, '€'.repeat(100))).corpus).toEqual(E.left('The model cannot learn this text: symbol "€" at position 0 is not in the vocabulary of 36 symbols.'))
    expect(sessionOfFile(bytes.slice(0, 100), chosen, DEFAULT_TEXT)).toEqual(E.left(expect.stringContaining('safetensors: the header should have')))
  })

  test('needs a text, and sizes that fit', () => {
    expect(newSession(SMALL, '')).toEqual(E.left('The text is empty; a run needs something to learn from.'))
    expect(newSession(SMALL, 'short')).toEqual(E.left('The text has 5 symbols; with a context of 16 a run needs at least 34.'))
    expect(newSession({ ...SMALL, heads: 3 }, DEFAULT_TEXT)).toEqual(E.left('A width of 16 cannot be cut into 3 heads of one size.'))
    expect(E.isRight(newSession(SMALL, 'ab'.repeat(17)))).toBe(true)
  })

  test('texts have names of their own, and the page’s own text none', () => {
    expect([fingerprint(DEFAULT_TEXT), fingerprint('a') === fingerprint('b')]).toEqual(['', false])
  })
})

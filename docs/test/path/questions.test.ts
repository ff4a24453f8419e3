/**
 * The answers of the chapters' questions, computed by the library; and what readers are told.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, attention, attentionWeights, causalMask, initLinear, linear, lossAndGradient, meanSquaredError, noMask, noParams, parameterless, random, sampler, softmax, splitHeads, tensor, words
} from 'pullback'
import { describe, expect, test } from 'vitest'
import { CHAPTERS } from '../../site/.vitepress/pathSidebar.js'
import { judgeChoice, judgeNumber, judgeProgram, readNumber } from '../../site/.vitepress/theme/lib/path/judge.js'
import { QUESTIONS, type ChapterName } from '../../site/.vitepress/theme/lib/path/questions.js'
import { printedBy, textOf } from './chapters.js'

const of = (...rows: readonly (readonly number[])[]) => tensor.of(rows, 'float64')

/** ∂L/∂w of L = (w x + b)². */
const slope = (): number => {
  const params = { weight: of([3]), bias: tensor.of([-5], 'float64') }
  return tensor.at(0, 0)(lossAndGradient(linear, meanSquaredError())(params, { input: of([2]), target: of([0]) }).gradient.weight)
}

const COMPUTED: Readonly<Partial<Record<ChapterName, () => number>>> = {
  'neuron': () => tensor.at(0, 0)(linear.forward({ weight: of([2], [-1]), bias: tensor.of([0.5], 'float64') }, of([1, 3]))),
  'loss': () => meanSquaredError().forward(of([2, 5]), of([1, 8])),
  'backpropagation': slope,
  'softmax': () => tensor.at(1)(softmax.forward(noParams, tensor.of([0, Math.log(3)], 'float64'))),
  'embeddings': () => words.cosine(tensor.of([1, 0], 'float64'))(tensor.of([1, 1], 'float64')),
  'query-key-value': () => tensor.at(0, 0)(attentionWeights(noMask)({ query: of([1, 0]), key: of([2, 0], [0, 2]) })),
  'masking': () => tensor.toArray(attentionWeights(causalMask)({ query: tensor.zeros([4, 2]), key: tensor.zeros([4, 2]) })).filter(weight => weight !== 0).length,
  'blocks': () => splitHeads(4).forward(noParams, tensor.zeros([5, 3 * 64])).query.shape[2]
}

test('every chapter asks its question', () => {
  expect(Object.keys(QUESTIONS)).toEqual(CHAPTERS.map(([chapter]) => chapter))
  for (const [chapter] of CHAPTERS) expect(textOf(chapter)).toContain(`<PathQuestion chapter="${chapter}">`)
})

describe.each(Object.entries(QUESTIONS))('%s', (chapter, question) => {
  if (question.kind === 'number') {
    test('the answer is what the library computes, and no mistake counts as right', () => {
      const truth = COMPUTED[chapter as ChapterName]?.() // the keys are chapters
      expect(question.answer).toBeCloseTo(truth ?? NaN, 6)
      expect(judgeNumber(question, String(truth)).right).toBe(true)
      expect(judgeNumber(question, String(question.answer + 1.5 * question.tolerance)).right).toBe(false)
      for (const [value, says] of question.mistakes) expect(judgeNumber(question, String(value))).toEqual({ right: false, says })
      expect(judgeNumber(question, '1234567')).toEqual({ right: false, says: question.otherwise })
      expect(judgeNumber(question, '').right).toBe(false)
    })
  }
  if (question.kind === 'choice') {
    test('one choice is right, and each says why', () => {
      expect(question.choices.map((_, i) => judgeChoice(question, i).right).filter(Boolean)).toHaveLength(1)
      expect(new Set(question.choices.map(({ says }) => says)).size).toBe(question.choices.length)
      expect(judgeChoice(question, undefined).right).toBe(false)
    })
  }
  if (question.kind === 'program') {
    const verdict = (step: string) => judgeProgram(question, printedBy(`${question.start.replace(/ {2}\/\/ Here.*/, step)}\n${question.check}`), undefined)
    test('the right program is right, and others are told what is wrong', () => {
      expect(verdict('  w = w - 0.1 * slope(w)')).toEqual({ right: true, says: question.right })
      expect(verdict('  w -= 0.1 * slope(w)').right).toBe(true)
      expect(verdict('').says).toContain('still 0')
      expect(verdict('  w += 0.1 * slope(w)').says).toContain('against the slope')
      expect(verdict('  w = 3').says).toContain('other steps')
      expect(verdict('  w -= 0.2 * slope(w)').says).toContain('other steps')
      expect(verdict('  w -= 0.001 * slope(w)').says).toContain('the valley is at 3')
      expect(judgeProgram(question, [], 'SyntaxError: no')).toEqual({ right: false, says: 'SyntaxError: no' })
    })
  }
})

test('numbers are read as people write them', () => {
  expect(['-0.5', '−0,5', ' -1/2 ', '-50 %'].map(readNumber)).toEqual([-0.5, -0.5, -0.5, -0.5])
  expect(['', 'one', '1/', '--1'].map(readNumber)).toEqual([NaN, NaN, NaN, NaN])
})

// What the right choices claim.
test('ten linear layers are one: f(a + b) + f(0) = f(a) + f(b)', () => {
  const ten = Array.from({ length: 10 }, (_, i) => initLinear(3, 3, { precision: 'float64' })(random.key(i)))
    .map(params => parameterless((x: ReturnType<typeof of>) => linear.forward({ ...params, bias: tensor.of([1, -2, 3], 'float64') }, x), (_, dy) => dy))
    .reduce((f, g) => pipe(f, andThen(g)))
  const f = (x: ReturnType<typeof of>) => ten.forward(noParams, x), a = of([1, -2, 0.5]), b = of([-3, 1, 4])
  const left = pipe(f(pipe(a, tensor.add(b))), tensor.add(f(of([0, 0, 0])))), right = pipe(f(a), tensor.add(f(b)))
  expect(tensor.norm(pipe(left, tensor.subtract(right)))).toBeLessThan(1e-9 * tensor.norm(left))
  expect(tensor.norm(left)).toBeGreaterThan(0.1)
})

test('without mask and positions a swap of others changes nothing', () => {
  const last = (x: ReturnType<typeof of>) => tensor.lastRow(attention(noMask).forward(noParams, { query: x, key: x, value: x }))
  const one = last(of([1, 0], [0, 2], [1, -0.5])), other = last(of([0, 2], [1, 0], [1, -0.5])), changed = last(of([0, 2], [1, 1], [1, -0.5]))
  expect(tensor.norm(pipe(one, tensor.subtract(other)))).toBeLessThan(1e-12)
  expect(tensor.norm(pipe(one, tensor.subtract(changed)))).toBeGreaterThan(0.01)
})

test('top-k = 1 draws the likeliest whatever the key', () => {
  const choose = sampler({ temperature: 5, topK: 1 })(tensor.of([1, 3, 2]))
  expect(new Set(Array.from({ length: 50 }, (_, key) => choose(random.key(key))))).toEqual(new Set([1]))
})

/**
 * What the figures of the path compute, compared with formulae written out here, and with what each chapter says of its figure.
 */
import { expect, test } from 'vitest'
import { valueAndSlope, valuesOf } from '../../site/.vitepress/theme/lib/path/activation.js'
import { RECEIVED, SENTENCE, WEIGHTS } from '../../site/.vitepress/theme/lib/path/asking.js'
import { BEST, CURVATURE, descend, lossAndSlope, START } from '../../site/.vitepress/theme/lib/path/descent.js'
import { drawn, probabilitiesFor, tally } from '../../site/.vitepress/theme/lib/path/draws.js'
import { look, WORDS } from '../../site/.vitepress/theme/lib/path/future.js'
import { passes } from '../../site/.vitepress/theme/lib/path/graph.js'
import { DAYS, fit } from '../../site/.vitepress/theme/lib/path/loss.js'
import { boundary, FRUITS, positiveSide, rightOf, scoresOf } from '../../site/.vitepress/theme/lib/path/neuron.js'
import { apart, percent, range, shown } from '../../site/.vitepress/theme/lib/path/plane.js'
import { productsWith, TIME, WIDTH } from '../../site/.vitepress/theme/lib/path/positions.js'
import { begin, partsOf, predicted, PROMPTS, train, WORDS as PLACES } from '../../site/.vitepress/theme/lib/path/stream.js'
import { CONTINUATIONS, probabilitiesAt } from '../../site/.vitepress/theme/lib/path/temperature.js'
import { cosinesWith, trainVectors, WORDS as NAMES } from '../../site/.vitepress/theme/lib/path/vectors.js'

const close = (a: readonly number[], b: readonly number[], tolerance = 1e-6): void => {
  expect(a.length).toBe(b.length)
  a.forEach((x, i) => { expect(Math.abs(x - b[i])).toBeLessThanOrEqual(tolerance * (1 + Math.abs(b[i]))) })
}

const softmaxOf = (scores: readonly number[]): readonly number[] => {
  const powers = scores.map(Math.exp), total = powers.reduce((a, b) => a + b)
  return powers.map(power => power / total)
}

const allRight = (w1: number, w2: number, b: number): boolean => rightOf(FRUITS.map(({ at: [x, y] }) => w1 * x + w2 * y + b)).every(Boolean)

test('neuron: the score is the formula; a line parts the fruits, and none through the origin does', () => {
  close(scoresOf(FRUITS.map(({ at }) => at), 0.3, -1.2, 0.7), FRUITS.map(({ at: [x, y] }) => 0.3 * x - 1.2 * y + 0.7))
  expect(allRight(-1, 1, -0.6)).toBe(true)
  // 0.05 is the slider's step.
  const steps = range(-2, 2, 81)
  expect(steps.some(w1 => steps.some(w2 => allRight(w1, w2, 0)))).toBe(false)
})

test('neuron: the shaded part is where the score is positive, and the line is where it is 0', () => {
  for (const [w1, w2, b] of [[1, 0.5, 0], [-1, 1, -0.6], [0, 1, 1], [0.2, -2, 1.5]]) {
    const ends = boundary(w1, w2, b, 4, 3), corners = positiveSide(w1, w2, b, 4, 3)
    expect(ends).toHaveLength(2)
    for (const [x, y] of corners) expect(w1 * x + w2 * y + b).toBeGreaterThan(-1e-9)
    for (const [x, y] of [...ends, ...corners]) expect(Math.abs(x) <= 4 + 1e-9 && Math.abs(y) <= 3 + 1e-9).toBe(true)
    // The rectangle is cut in two: both shares together are all of it.
    const area = (polygon: typeof corners): number => polygon.reduce((sum, [x, y], i) => sum + (x * polygon[(i + 1) % polygon.length][1] - y * polygon[(i + 1) % polygon.length][0]) / 2, 0)
    expect(area(corners) + area(positiveSide(-w1, -w2, -b, 4, 3))).toBeCloseTo(48, 9)
  }
  expect(boundary(0, 0, 1, 4, 3)).toEqual([])
  expect(boundary(1, 0, 9, 4, 3)).toEqual([])
})

test('activation: values as the formulae say, slopes as differences say', () => {
  for (const x of [-3, -0.7, 0.4, 2]) {
    expect(valueAndSlope('relu', x)[0]).toBe(Math.max(0, x))
    expect(valueAndSlope('tanh', x)[0]).toBeCloseTo(Math.tanh(x), 12)
    expect(valueAndSlope('sigmoid', x)[0]).toBeCloseTo(1 / (1 + Math.exp(-x)), 12)
    for (const name of ['relu', 'tanh', 'sigmoid', 'gelu'] as const) {
      const [above, below] = valuesOf(name, [x + 1e-5, x - 1e-5])
      expect(valueAndSlope(name, x)[1]).toBeCloseTo((above - below) / 2e-5, 7)
    }
  }
  expect(valueAndSlope('gelu', 1)[0]).toBeCloseTo(0.8413447, 6)
  expect(valueAndSlope('relu', 0)[1]).toBe(0)
})

test('loss: the mean of the squares; the best line has the loss that the chapter says', () => {
  const by = (w: number, b: number): number => DAYS.reduce((sum, [x, t]) => sum + (w * x + b - t) ** 2, 0) / DAYS.length
  close([fit(0.3, 2).loss, fit(-1, 5).loss], [by(0.3, 2), by(-1, 5)])
  const meanX = DAYS.reduce((sum, [x]) => sum + x, 0) / DAYS.length, meanT = DAYS.reduce((sum, [, t]) => sum + t, 0) / DAYS.length
  const w = DAYS.reduce((sum, [x, t]) => sum + (x - meanX) * (t - meanT), 0) / DAYS.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  expect(fit(w, meanT - w * meanX).loss.toFixed(3)).toBe('0.166')
  expect([w.toFixed(2), (meanT - w * meanX).toFixed(2)]).toEqual(['0.57', '0.79'])
})

test('gradient descent: a step multiplies the distance by 1 − 5η', () => {
  for (const w of [START, 0, 2.2]) close(lossAndSlope(w), [CURVATURE / 2 * (w - BEST) ** 2, CURVATURE * (w - BEST)], 1e-12)
  for (const rate of [0.01, 0.2, 0.4, 0.45]) expect(descend(START, rate) - BEST).toBeCloseTo((1 - 5 * rate) * (START - BEST), 12)
})

test('backpropagation: gradients are differences, and products of the local derivatives', () => {
  const at = { x: -1.2, w: 0.7, b: 0.5 }, { gradients, local, values } = passes(at), h = 1e-6
  for (const name of ['x', 'w', 'b'] as const) {
    const moved = (by: number): number => passes({ ...at, [name]: at[name] + by }).values.loss
    expect(gradients[name]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 6)
  }
  expect(gradients.w).toBeCloseTo(local.lossByY * local.yByZ * local.pByW, 12)
  expect(gradients.x).toBeCloseTo(local.lossByY * local.yByZ * local.pByX, 12)
  expect([gradients.b, gradients.p, local.yByZ]).toEqual([gradients.z, gradients.z, expect.closeTo(1 - values.y ** 2, 12)])
})

test('softmax: powers by their sum', () => {
  for (const temperature of [0.1, 1, 10]) close(probabilitiesAt(temperature), softmaxOf(CONTINUATIONS.map(([, score]) => score / temperature)), 1e-5)
})

test('embeddings: those who act come together, and so do what is eaten and what is drunk', () => {
  const snapshots = trainVectors(200, 100), groups = [['cat', 'dog', 'child'], ['fish', 'meat', 'bread'], ['milk', 'water']]
  expect(snapshots.map(({ step }) => step)).toEqual([0, 100, 200])
  for (const group of groups) for (const word of group) {
    const cosines = cosinesWith(NAMES.indexOf(word), snapshots[2])
    for (const [i, other] of NAMES.entries()) {
      const [a, b] = [snapshots[2].vectors[NAMES.indexOf(word)], snapshots[2].vectors[i]]
      expect(cosines[i]).toBeCloseTo((a[0] * b[0] + a[1] * b[1]) / Math.hypot(...a) / Math.hypot(...b), 9)
      if (group.includes(other)) expect(cosines[i]).toBeGreaterThan(0.98)
      else expect(cosines[i]).toBeLessThan(0.95)
    }
  }
})

test('positions: dot products depend on the distance alone', () => {
  for (const t of [0, 7, 30]) for (const k of [0, 1, 9]) {
    const sum = range(0, WIDTH / 2 - 1, WIDTH / 2).reduce((total, i) => total + Math.cos(10000 ** (-2 * i / WIDTH) * k), 0)
    expect(productsWith(t)[t + k]).toBeCloseTo(sum, 4)
  }
  for (let t = 0; t < TIME; t++) expect(productsWith(t).indexOf(Math.max(...productsWith(t)))).toBe(t)
})

test('query, key, value: the weights are the formula, and the values are mixed with them', () => {
  SENTENCE.forEach(({ query }, t) => {
    const weights = softmaxOf(SENTENCE.map(({ key }) => query.reduce((sum, q, i) => sum + q * key[i], 0) / Math.sqrt(3)))
    close(WEIGHTS[t], weights, 1e-5)
    close(RECEIVED[t], [0, 1].map(j => SENTENCE.reduce((sum, { value }, s) => sum + weights[s] * value[j], 0)), 1e-5)
  })
})

test('masking: with the mask nothing before the change moves, without it everything does', () => {
  for (let changed = 0; changed < WORDS.length; changed++) {
    const { weights, moved } = look(true, changed)
    weights.forEach((row, t) => {
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      row.forEach((weight, s) => { expect(weight > 0).toBe(s <= t) })
    })
    expect(moved.map(distance => distance === 0)).toEqual(WORDS.map((_, t) => t < changed))
    expect(look(false, changed).moved.every(distance => distance > 0)).toBe(true)
  }
  expect(look(true, undefined).moved.every(distance => distance === 0)).toBe(true)
})

test('blocks: what is read after the last part is what the model says, and training finds the place', () => {
  const trained = train(begin(), 200)
  for (const { params } of [begin(), trained]) for (const prompt of PROMPTS) {
    const says = predicted(params, prompt), parts = partsOf(params, prompt)
    for (const [word, p] of parts[parts.length - 1].likeliest) expect(p).toBeCloseTo(says[PLACES.indexOf(word)], 4)
    expect(parts[parts.length - 1].likeliest[0][1]).toBeCloseTo(Math.max(...says), 4)
  }
  expect(PROMPTS.map(prompt => partsOf(trained.params, prompt)[4].likeliest[0][0])).toEqual(['mat', 'rug', 'rock', 'roof'])
  // The chapter says that the stream reads as its own word at first.
  expect(PROMPTS.map(prompt => partsOf(trained.params, prompt)[0].likeliest[0][0])).toEqual(['the', 'the', 'the', 'the'])
  // Cut into pieces, training is the same.
  expect(predicted(train(train(begin(), 8), 12).params, PROMPTS[0])).toEqual(predicted(train(begin(), 20).params, PROMPTS[0]))
})

test('sampling: what is left is drawn as often as it is likely, what is cut off never, and a key always draws the same', () => {
  const choice = { temperature: 2, topK: 3 }, count = 2000, times = tally(choice, count)
  const expected = [...softmaxOf(CONTINUATIONS.slice(0, 3).map(([, score]) => score / 2)), 0, 0]
  close(probabilitiesFor(choice), expected, 1e-5)
  expect(times.reduce((a, b) => a + b)).toBe(count)
  // Five standard deviations of a count.
  times.forEach((n, i) => { expect(Math.abs(n - count * expected[i])).toBeLessThanOrEqual(5 * Math.sqrt(count * expected[i] * (1 - expected[i]))) })
  expect(drawn(choice, 7)).toBe(drawn(choice, 7))
})

test('numbers are printed with a true minus, and labels stand apart', () => {
  expect([shown(-0.5), shown(-0.001), shown(NaN), shown(-Infinity), shown(-1.5e7)]).toEqual(['−0.50', '0.00', 'not a number', '−∞', '−1.5e7'])
  expect([percent(0.5), percent(0.034), percent(0.00001), percent(0)]).toEqual(['50 %', '3.4 %', '< 0.1 %', '0 %'])
  const labels = [{ x: 0, y: 10 }, { x: 5, y: 12 }, { x: 200, y: 11 }, { x: 8, y: 3 }]
  expect(apart(labels, 15, 80)).toEqual([18, 33, 11, 3])
})

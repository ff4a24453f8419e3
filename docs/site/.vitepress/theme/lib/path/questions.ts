/**
 * What the chapters ask, and what answers are told. docs/test/path/questions.test.ts computes the answers by the library.
 */
import type { Question } from './judge.js'

const DESCENT_START = `// The loss is (w − 3)². Its slope at w:
const slope = (w: number) => 2 * (w - 3)

let w = 0
for (let i = 0; i < 50; i++) {
  // Here: one step of gradient descent with the learning rate 0.1.
}
console.log(w)
`

/** Walks the same way with the library's optimiser. */
const DESCENT_CHECK = `
import { gradientDescent as optimizerForCheck, tensor as tensorForCheck } from 'pullback'
{
  const { init, step } = optimizerForCheck({ learningRate: 0.1 })
  const at = (params: { readonly w: ReturnType<typeof tensorForCheck.of> }) => tensorForCheck.at(0)(params.w)
  const start = { w: tensorForCheck.of([0], 'float64') }
  let there = { params: start, state: init(start) }
  for (let i = 0; i < 50; i++) there = step(there.params, { w: tensorForCheck.of([2 * (at(there.params) - 3)], 'float64') }, there.state)
  const expected = at(there.params)
  console.log(
    w === 0 ? 'w is still 0: nothing in the loop has changed it.'
    : typeof w !== 'number' || !(Math.abs(w) < 1000) ? 'w ran away to ' + w + '. A step goes against the slope: subtract.'
    : Math.abs(w - expected) < 1e-9 ? 'right'
    : Math.abs(w - 3) < 0.01 ? 'w came to the valley, but by other steps: it is ' + w + ', and the library comes to ' + expected + '. Is the learning rate 0.1?'
    : 'w ended at ' + w + ', and the valley is at 3. Each step subtracts the learning rate times the slope at w.')
}
`

const questions = {
  'neuron': {
    kind: 'number', answer: -0.5, tolerance: 1e-6, right: '2 · 1 − 1 · 3 + 0.5 = −0.5. It is below 0, so the point lies on the negative side of the line.',
    mistakes: [
      [-1, 'The weighted sum is −1. Something is added at the end, whatever the input.'], [5.5, 'The second weight is −1, so the 3 counts against.'],
      [-1.5, 'The bias is added, not subtracted.'], [0.5, 'Check the sign: 2 − 3 is −1.'], [4.5, 'Each input has its own weight: 2 · 1, and −1 · 3. Then the bias.']
    ],
    otherwise: 'Multiply each input with its weight, add the two products, and add the bias.'
  },
  'activation': {
    kind: 'choice', choices: [
      { text: 'What a single linear layer can compute, and nothing more.', right: true, says: 'A line behind a line is a line. Ten layers have more parameters, and no more power, than one.' },
      { text: 'Any continuous curve, if the layers are wide enough.', says: 'That takes something that bends between the layers. Sums of sums are sums, however wide.' },
      { text: 'Exclusive or, and nothing much harder.', says: 'Not even that: the program above shows that without the kink the two layers are the plane 2 − a − b.' },
      { text: 'Polynomials of degree ten.', says: 'A linear layer never multiplies inputs with each other, only with weights. So no squares appear, and no higher powers.' }
    ]
  },
  'loss': {
    kind: 'number', answer: 5, tolerance: 1e-6, right: 'The errors are 1 and −3, their squares 1 and 9, and the mean of these is 5.',
    mistakes: [
      [10, 'That is the sum of the squares. The mean divides by how many there are.'], [2, 'That is the mean of the sizes of the errors. Square them first.'],
      [-1, 'That is the mean of the errors, in which 1 and −3 partly cancel. Square them first.'], [-2, 'That is the sum of the errors. Square them first.'],
      [4, 'Errors of opposite sign cancel if you add before you square. Square each, then take the mean.'], [1, 'Square each error before you take the mean.']
    ],
    otherwise: 'For each pair take prediction minus target and square it. Then take the mean of the two squares.'
  },
  'gradient-descent': { kind: 'program', start: DESCENT_START, check: DESCENT_CHECK, right: 'Each step takes w a fifth of the way to 3: after 50 of them hardly anything is left. The library walks the same way.' },
  'backpropagation': {
    kind: 'number', answer: 4, tolerance: 1e-6, right: 'y = 1, so ∂L/∂y = 2y = 2; and ∂y/∂w = x = 2. Along the path they multiply: 4.',
    mistakes: [
      [2, 'You have one of the two factors. ∂L/∂y = 2, and it is multiplied with ∂y/∂w = x.'], [6, 'The local derivative of w x with respect to w is x, not w.'],
      [1, 'That is the loss. How fast does it grow with w?'], [24, 'y is w x + b: do not forget the bias, y = 6 − 5.'], [8, 'The slope of y² is 2y, once.']
    ],
    otherwise: 'First forward: y = 3 · 2 − 5. Then back: the slope of y² is 2y; the slope of w x + b with respect to w is x. Multiply.'
  },
  'softmax': {
    kind: 'number', answer: 0.75, tolerance: 0.005, right: 'The powers are 1 and 3, so the shares are 1/4 and 3/4.',
    mistakes: [
      [3, 'It is three times as likely as the first. A probability is a share of the whole.'], [0.25, 'That is the probability of the first.'],
      [0.33, 'The second is three times as likely as the first, not a third.'], [0.67, 'The powers are 1 and 3. What is the share of 3 in their sum?'], [1, 'The first word has a share, too: e to the power 0 is 1, not 0.']
    ],
    otherwise: 'Take e to the power of each score: e⁰ = 1, and e to the power ln 3 is 3. Then divide by their sum.'
  },
  'embeddings': {
    kind: 'number', answer: Math.SQRT1_2, tolerance: 0.006, right: 'The dot product is 1, the lengths are 1 and √2: 1/√2 ≈ 0.71, the cosine of 45°.',
    mistakes: [
      [1, 'That is the dot product. Divide by both lengths.'], [0.5, 'The length of (1, 1) is √2, not 2: it is the root of the sum of squares.'],
      [1.41, 'Divide by √2, do not multiply. A cosine is never above 1.'], [45, 'That is the angle in degrees. What is its cosine?'], [0, 'They would be perpendicular. (1, 1) lies half way between the axes.']
    ],
    otherwise: 'Multiply entry by entry and add: that is the dot product. Then divide by the lengths, 1 and √2.'
  },
  'positions': {
    kind: 'choice', choices: [
      { text: 'It stays the same.', right: true, says: 'It is a sum over all tokens with weights that depend on the vectors alone. The order of a sum does not matter, so the order of the words is lost.' },
      { text: 'Its two halves are swapped.', says: 'The values are mixed as whole vectors; a swap of tokens does not touch the order of their entries.' },
      { text: 'It changes, since the third now has another neighbour.', says: 'Attention knows no neighbours. It sees which vectors are there, and not where.' },
      { text: 'It becomes zero.', says: 'The weights still add up to 1, and the same values are mixed with them.' }
    ]
  },
  'query-key-value': {
    kind: 'number', answer: Math.exp(Math.SQRT2) / (Math.exp(Math.SQRT2) + 1), tolerance: 0.006, right: 'The scores are 2/√2 ≈ 1.414 and 0, and the softmax gives 4.11 / (4.11 + 1) ≈ 0.80.',
    mistakes: [
      [0.88, 'That is without the division by √d. Here √2 ≈ 1.414.'], [0.73, 'You divided by d = 2. It is its square root.'], [0.2, 'That is the weight of the second key.'],
      [1, 'The second key matches less well, but it gets a share, too: e⁰ = 1.'], [1.41, 'That is the score. The softmax makes a weight of it.']
    ],
    otherwise: 'The dot products are 2 and 0. Divide by √2, take e to these powers, and divide the first by the sum of both.'
  },
  'masking': {
    kind: 'number', answer: 10, tolerance: 1e-6, right: 'Row 1 has one, row 2 two, and so on: 1 + 2 + 3 + 4 = 10.',
    mistakes: [
      [6, 'That counts those below the diagonal. A position may look at itself, too.'], [16, 'The mask forbids everything behind a position.'],
      [4, 'That is the diagonal alone. The past may be seen as well.'], [12, 'Without the diagonal there are 12, but it is the part above the diagonal that is empty.']
    ],
    otherwise: 'Position 1 sees itself: one. Position 2 sees two, itself and the one before. Go on, and add.'
  },
  'blocks': {
    kind: 'number', answer: 16, tolerance: 1e-6, right: '64 / 4 = 16. The four heads side by side have 64 entries again.',
    mistakes: [
      [64, 'That is the whole width. The heads share it.'], [256, 'The width is divided among the heads, not multiplied.'], [4, 'That is the number of heads. How wide is each?'],
      [48, 'Query, key and value have 16 entries each for one head. The question asks for the query.'], [192, 'That is query, key and value of all heads. The question asks for the query of one.']
    ],
    otherwise: 'The heads divide the width among themselves in equal parts.'
  },
  'sampling': {
    kind: 'choice', choices: [
      { text: 'Always the likeliest token, whatever the key.', right: true, says: 'Only one logit is left, so it has probability 1, and a temperature cannot change that.' },
      { text: 'Nearly any token: the temperature makes them all alike.', says: 'Only those that top-k has left can be drawn, and it has left one.' },
      { text: 'The likeliest token most of the time, and now and then another.', says: 'Another would have to be left after top-k = 1, and none is.' },
      { text: 'An error: there is nothing to choose from.', says: 'A choice from one is allowed. It is dull.' }
    ]
  }
} as const satisfies Readonly<Record<string, Question>>

export type ChapterName = keyof typeof questions
export const QUESTIONS: Readonly<Record<ChapterName, Question>> = questions

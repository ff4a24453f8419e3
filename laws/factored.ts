/**
 * The laws of logits that are not multiplied out: models that give two factors, and losses of them.
 *
 * @module
 */
import fc from 'fast-check'
import {
  crossEntropy, lossAndGradient, tensor, type Example, type Factors, type Layer, type Loss, type LossAndGradient, type Tensor, type Tokens
} from 'pullback'
import * as arbitrary from './arbitraries.js'
import { type Finding, firstFailing, type Law, law, worst } from './law.js'
import { loss as lossLaws } from './loss.js'
import { type Points, pointsOf } from './points.js'
import { along, inPrecision, largestDifference, normOf, randomLike, sameBits, snapshot } from './values.js'

/** $X W^\top$ */
const multiplied = ({ hidden, weight }: Factors): Tensor => {
  const rows = tensor.reshape([hidden.data.length / Math.max(1, weight.shape[1]), weight.shape[1]])(hidden)
  return tensor.reshape([...hidden.shape.slice(0, -1), weight.shape[0]])(tensor.matmul(weight, { right: true })(rows))
}

/** $dX = dY\,W,\ dW = dY^\top X$ */
const pulled = ({ hidden, weight }: Factors, dy: Tensor): Factors => {
  const [vocabulary, width] = weight.shape, count = hidden.data.length / Math.max(1, width)
  const rows = tensor.reshape([count, width])(hidden), dRows = tensor.reshape([count, vocabulary])(dy)
  return {
    hidden: tensor.reshape(hidden.shape)(tensor.matmul(weight)(dRows)),
    weight: tensor.matmul(rows, { left: true })(dRows)
  }
}

const distance = (what: string, found: unknown, expected: unknown, size: number): Finding => {
  const difference = normOf(along(found, expected, -1))
  return { error: difference === 0 ? 0 : difference / size, explain: () => `${what}: ${largestDifference(found, expected)}` }
}

const near = (what: string, found: number, expected: number): Finding =>
  ({ error: Math.abs(found - expected) / (1 + Math.abs(expected)), explain: () => `${what} is ${found}, expected ${expected}` })

export interface FactorsPoint {
  readonly factors: Factors
  readonly target: Tokens
}

export interface FactoredLossOptions {
  readonly reduction: 'mean' | 'sum'
  readonly ignoreIndex: number
  readonly rows: number
}

/** The factors as what a model learns, whatever its input. */
const itself: Layer<Factors, unknown, Factors, void> = {
  forward: params => params,
  vjp: params => [params, params => ({ params, input: undefined })]
}

/** The loss as one of hidden states alone, with the table as a part of what is right, and the other way round. */
const ofHidden = (l: Loss<Factors, Tokens>): Loss<Tensor, { readonly other: Tensor, readonly ids: Tokens }> => ({
  forward: (hidden, { other, ids }) => l.forward({ hidden, weight: other }, ids),
  gradient: (hidden, { other, ids }) => l.gradient({ hidden, weight: other }, ids).hidden
})
const ofTable = (l: Loss<Factors, Tokens>): Loss<Tensor, { readonly other: Tensor, readonly ids: Tokens }> => ({
  forward: (weight, { other, ids }) => l.forward({ hidden: other, weight }, ids),
  gradient: (weight, { other, ids }) => l.gradient({ hidden: other, weight }, ids).weight
})

const EPSILON = 2 ** -52

/** Rows whose targets are the ignored index, with hidden states that are no numbers. */
const spoiled = ({ factors: { hidden, weight }, target }: FactorsPoint, ignoreIndex: number): Factors => {
  const width = weight.shape[1]
  return { weight, hidden: tensor.fromArray(hidden.shape, Array.from(hidden.data, (v, i) => (target.data[Math.floor(i / width)] === ignoreIndex ? NaN : v)), tensor.precisionOf(hidden)) }
}

/**
 * A cross-entropy of factors is that of their product, in blocks of any number of rows. Targets may be `ignoreIndex`.
 *
 * @example
 * const points = fc.record({ factors: fc.record({ hidden: arbitrary.tensorOf([3, 2]), weight: arbitrary.tensorOf([4, 2]) }), target: arbitrary.tokensOf([3], 4) })
 * laws.factoredCrossEntropy(factoredCrossEntropy, -100, points).some(({ property }) => fc.check(property, { numRuns: 5 }).failed) // false
 */
export const factoredCrossEntropy = (
  make: (options: FactoredLossOptions) => Loss<Factors, Tokens>, ignoreIndex: number, points: fc.Arbitrary<FactorsPoint>
): readonly Law[] => {
  const cases = fc.record({
    point: points.map(inPrecision('float64')), rows: fc.integer({ min: 1, max: 7 }), reduction: fc.constantFrom('mean' as const, 'sum' as const)
  })
  const lens = (of: (l: Loss<Factors, Tokens>) => Loss<Tensor, { readonly other: Tensor, readonly ids: Tokens }>, place: 'hidden' | 'weight') =>
    lossLaws(of(make({ reduction: 'mean', ignoreIndex, rows: 2 })), points.map(({ factors, target }) => ({
      prediction: factors[place], target: { other: factors[place === 'hidden' ? 'weight' : 'hidden'], ids: target }
    }))).map(one => ({ ...one, name: `${one.name} (${place})` }))
  return [
    law({
      name: 'the loss of the product',
      statement: '$\\ell(X, W) = \\ell(X W^\\top)$ and $dX = dY\\,W$, $dW = dY^\\top X$, in blocks of any number of rows',
      tolerance: 64 * EPSILON,
      reason: 'double precision: sums over rows and symbols in another order, relative to what is summed',
      cases,
      check: ({ point: { factors, target }, rows, reduction }) => {
        const l = make({ reduction, ignoreIndex, rows }), plain = crossEntropy({ reduction, ignoreIndex }), y = multiplied(factors)
        const gradient = l.gradient(factors, target), expected = pulled(factors, plain.gradient(y, target))
        const size = 1 + normOf(factors.hidden) + normOf(factors.weight)
        return worst([
          near(`${rows} rows at a time: the loss`, l.forward(factors, target), plain.forward(y, target)),
          distance(`${rows} rows at a time: the gradient of X`, gradient.hidden, expected.hidden, size),
          distance(`${rows} rows at a time: the gradient of W`, gradient.weight, expected.weight, size)
        ])
      }
    }),
    law({
      name: 'value and gradient at once',
      statement: 'in training the loss is that of `forward`, and the gradient that of `gradient`, to the bit',
      cases,
      check: ({ point: { factors, target }, rows, reduction }) => {
        const l = make({ reduction, ignoreIndex, rows })
        const { loss, gradient } = lossAndGradient(itself, l)(factors, { input: undefined, target })
        return firstFailing([
          sameBits('the loss in training and alone', snapshot(loss), snapshot(l.forward(factors, target))),
          sameBits('the gradient in training and alone', snapshot(gradient), snapshot(l.gradient(factors, target)))
        ])
      }
    }),
    law({
      name: 'what does not count is not read',
      statement: 'hidden states of ignored targets may be NaN: loss and gradients are the same, and theirs are 0',
      cases,
      check: ({ point, rows, reduction }) => {
        const l = make({ reduction, ignoreIndex, rows }), { factors, target } = point, other = spoiled(point, ignoreIndex), width = factors.weight.shape[1]
        const gradient = l.gradient(factors, target)
        const wrong = Array.from(gradient.hidden.data).findIndex((v, i) => target.data[Math.floor(i / width)] === ignoreIndex && v !== 0)
        return firstFailing([
          sameBits('the loss', snapshot(l.forward(other, target)), snapshot(l.forward(factors, target))),
          sameBits('the gradient', snapshot(l.gradient(other, target)), snapshot(gradient)),
          { error: wrong < 0 ? 0 : Infinity, explain: () => `entry ${wrong} of an ignored row has the gradient ${gradient.hidden.data[wrong]}` }
        ])
      }
    }),
    ...lens(ofHidden, 'hidden'), ...lens(ofTable, 'weight')
  ]
}

/**
 * The factored form of a model is the model: its factors multiplied are its output, and its pullback of the factors' gradients is that of
 * the output's.
 *
 * @example
 * const points = { params: arbitrary.drawn(initEmbedding(3, 2)), input: arbitrary.tensorOf([4, 2]) }
 * fc.check(laws.factoredModel(factored, unembedding, points).property, { numRuns: 5 }).failed // false
 */
export const factoredModel = <P, X, DX>(
  factored: (model: Layer<P, X, Tensor, DX>) => Layer<P, X, Factors, DX>, model: Layer<P, X, Tensor, DX>, points: Points<P, X>
): Law => law({
  name: 'factors',
  statement: '$X W^\\top = f(\\theta, x)$, and the pullback of $(dY\\,W, dY^\\top X)$ is that of $dY$',
  tolerance: 1e-13,
  reason: 'double precision: the same products',
  cases: fc.record({ point: pointsOf(points), key: arbitrary.keys }),
  check: ({ point: { params, input }, key }) => {
    const form = factored(model), [y, pullback] = model.vjp(params, input), [factors, pullbackOfFactors] = form.vjp(params, input)
    const dy = randomLike(key)(y), expected = pullback(dy), found = pullbackOfFactors(pulled(factors, dy))
    return worst([
      distance('the product of the factors', multiplied(factors), y, 1 + normOf(y)),
      distance('the product of the factors going forward', multiplied(form.forward(params, input)), y, 1 + normOf(y)),
      distance('the gradient of the parameters', found.params, expected.params, 1 + normOf(expected.params)),
      distance('the gradient of the input', found.input, expected.input, 1 + normOf(expected.input))
    ])
  }
})

/**
 * What training computes by the shortest way is the chain rule: $(\ell(f(\theta, x)), f^*(\partial\ell/\partial\hat y))$. A model or a loss
 * that was changed by hand is what it says.
 */
export const shortestWay = <P, X, Y, DX, T>(
  differentiate: (model: Layer<P, X, Y, DX>, loss: Loss<Y, T>) => (params: P, example: Example<X, T>) => LossAndGradient<P>,
  model: Layer<P, X, Y, DX>, loss: Loss<Y, T>, points: fc.Arbitrary<Example<X, T> & { readonly params: P }>
): Law => law({
  name: 'the shortest way',
  statement: '$\\ell = \\ell(f(\\theta, x), t)$ and $d\\theta = f^*(\\partial\\ell/\\partial\\hat y)$, however a step of training finds them',
  tolerance: 1e-13,
  reason: 'double precision: sums in another order',
  cases: points.map(inPrecision('float64')),
  check: ({ params, input, target }) => {
    const [y, pullback] = model.vjp(params, input), expected = pullback(loss.gradient(y, target)).params
    const found = differentiate(model, loss)(params, { input, target })
    return worst([near('the loss', found.loss, loss.forward(y, target)), distance('the gradient', found.gradient, expected, 1 + normOf(expected))])
  }
})

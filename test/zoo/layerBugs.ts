import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import {
  dropout, gelu, geluTanh, layerKeeping, layerNorm, learnedPositions, leakyRelu, linear, logSoftmax, named, noParams, parameterless,
  pointwise, pointwiseWithSlope, random, relu, sigmoid, silu, sinusoidalPositions, softmax, softmaxWith, tanh, tensor, tokenEmbedding, unembedding, andThen,
  type Layer, type LayerNormParams, type LinearParams, type Tensor
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { linearParams, parameterless as withoutParams, rowsOf, sequences, widthOf } from '../catalogue/points.js'
import { type Bug, wrongGradient, wrongInputGradient } from './bug.js'

const square = fc.record({ d: arbitrary.axis(4, 2) }).chain(({ d }) => fc.record({ params: linearParams(d, d), input: rowsOf(d) }))
const anyTensor = withoutParams(arbitrary.tensors())
const anyRows = withoutParams(arbitrary.tensors({ minAxes: 1 }))
const offKinks = withoutParams(arbitrary.tensors({ awayFromZero: 0.125 }))
const embedding = fc.record({ v: arbitrary.axis(5), d: arbitrary.axis(4) })
  .chain(({ v, d }) => fc.record({ params: arbitrary.treeOf({ weight: [v, d] }), input: arbitrary.tokensOf([4], v) }))
const unembed = fc.record({ v: arbitrary.axis(5), d: arbitrary.axis(4) })
  .chain(({ v, d }) => fc.record({ params: arbitrary.treeOf({ weight: [v, d] }), input: rowsOf(d) }))
const norm = laws.varyingRows().chain(x => fc.record({ params: arbitrary.treeOf({ weight: [widthOf(x)], bias: [widthOf(x)] }), input: fc.constant(x) }))
const positions = sequences().chain(x => fc.record({ params: arbitrary.treeOf({ weight: [x.shape[1], x.shape[2]] }), input: fc.constant(x) }))

const rowsAndWidth = (x: Tensor): readonly [number, number] => [x.data.length / widthOf(x), widthOf(x)]

/** Each row's mean of f, repeated over the row. */
const rowMeans = (x: Tensor): Tensor => {
  const [rows, width] = rowsAndWidth(x)
  return tensor.fromArray(x.shape, Array.from({ length: rows * width }, (_, i) => {
    const row = Math.floor(i / width)
    return Array.from({ length: width }, (__, j) => x.data[row * width + j]).reduce((a, b) => a + b, 0) / width
  }), 'float64')
}

const doubled = tensor.scale(2)
const matrix = (x: Tensor): Tensor => tensor.reshape([x.data.length / widthOf(x), widthOf(x)])(x)

/** A layer norm whose gradient forgets that the statistics depend on the input. */
const inverseDeviation = (x: Tensor): Tensor => {
  const centred = tensor.subtract(rowMeans(x))(x)
  return tensor.map(v => 1 / Math.sqrt(v + 1e-5))(rowMeans(tensor.multiply(centred)(centred)))
}

const perRow = (weight: Tensor, x: Tensor): Tensor => {
  const width = widthOf(x)
  return tensor.fromArray(x.shape, Array.from(x.data, (_, i) => weight.data[i % width]), 'float64')
}

const normDx = (keepMean: boolean, keepCorrelation: boolean): Layer<LayerNormParams, Tensor, Tensor> =>
  wrongGradient(layerNorm, ({ weight }, x, dy, right) => {
    const r = inverseDeviation(x), xHat = tensor.multiply(r)(tensor.subtract(rowMeans(x))(x))
    const g = tensor.multiply(perRow(weight, x))(dy)
    const withMean = keepMean ? tensor.subtract(rowMeans(g))(g) : g
    const full = keepCorrelation ? tensor.subtract(tensor.multiply(rowMeans(tensor.multiply(xHat)(g)))(xHat))(withMean) : withMean
    return { params: right.params, input: tensor.multiply(r)(full) }
  })

/** Numbers of single precision with fewer digits; others as they are. */
const halfPrecision = (y: Tensor): Tensor =>
  tensor.precisionOf(y) === 'float32' ? tensor.map(v => Math.round(v * 2 ** 11) / 2 ** 11)(y) : y

/** A normalisation with the variance of a sample, N − 1. */
const sampleVariance: Layer<LayerNormParams, Tensor, Tensor> = {
  forward: (params, x) => {
    const width = widthOf(x)
    const plain = layerNorm.forward({ weight: tensor.full([width], 1, 'float64'), bias: tensor.zeros([width], 'float64') }, x)
    const scaled = tensor.scale(Math.sqrt((width - 1) / width))(plain)
    return tensor.add(perRow(params.bias, x))(tensor.multiply(perRow(params.weight, x))(scaled))
  },
  vjp: layerNorm.vjp
}

export const layerBugs: readonly Bug[] = [
  {
    bug: 'linear: dX with W instead of its transpose', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(linear, ({ weight }, x, dy, { params }) =>
      ({ params, input: tensor.reshape(x.shape)(tensor.matmul(weight)(matrix(dy))) })), square)
  },
  {
    bug: 'linear: dW transposed', caughtBy: 'gradient entry by entry',
    laws: laws.layer(wrongGradient(linear, (_, __, ___, { params: { weight, bias }, input }) =>
      ({ params: { weight: tensor.transpose(weight), bias }, input })), square)
  },
  {
    bug: 'linear: the bias gradient is not summed over the batch', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(linear, (_, __, dy, { params: { weight, bias }, input }) =>
      ({ params: { weight, bias: tensor.fromArray(bias.shape, Array.from(bias.data, (___, j) => dy.data[j] ?? 0), 'float64') }, input })), square)
  },
  {
    bug: 'linear: the bias gradient is a mean over the batch', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(linear, (_, x, __, { params: { weight, bias }, input }) =>
      ({ params: { weight, bias: tensor.scale(widthOf(x) / x.data.length)(bias) }, input })), square)
  },
  {
    bug: 'linear: a gradient in the wrong shape', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(linear, (_, __, ___, { params: { weight, bias }, input }) =>
      ({ params: { weight: tensor.reshape([weight.data.length])(weight), bias }, input })), square)
  },
  {
    bug: 'linear: the gradient of the bias is forgotten', caughtBy: 'gradient entry by entry',
    laws: laws.layer(wrongGradient(linear, (_, __, ___, { params: { weight, bias }, input }) =>
      ({ params: { weight, bias: tensor.zerosLike(bias) }, input })), square)
  },
  {
    bug: 'sigmoid: the derivative σ instead of σ(1 − σ)', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(sigmoid, (x, dy) => tensor.multiply(dy)(sigmoid.forward(noParams, x))), anyTensor)
  },
  {
    bug: 'sigmoid: overflows at large negative inputs', caughtBy: 'finite at extremes',
    laws: laws.activation(pointwise(x => Math.exp(x) / (1 + Math.exp(x)), () => 0), x => 1 / (1 + Math.exp(-x)))
  },
  {
    bug: 'tanh: the derivative 1 − x² instead of 1 − y²', caughtBy: 'gradient',
    laws: laws.layer(pointwise(Math.tanh, x => 1 - x * x), anyTensor)
  },
  {
    bug: 'tanh: a fast kernel with the eleven bits of half precision', caughtBy: 'single precision',
    laws: [laws.singlePrecision({ ...tanh, vjp: (_, x) => [halfPrecision(tanh.forward(noParams, x)), tanh.vjp(noParams, x)[1]] }, anyTensor)]
  },
  {
    bug: 'tanh: a fast gradient with the eleven bits of half precision', caughtBy: 'single precision',
    laws: [laws.singlePrecision(wrongInputGradient(tanh, (x, dy) => halfPrecision(tanh.vjp(noParams, x)[1](dy).input)), anyTensor)]
  },
  {
    bug: 'relu: the gradient of the identity', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(relu, (_, dy) => dy), offKinks)
  },
  {
    bug: 'leaky relu: the slope is lost in the gradient', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(leakyRelu(0.01), (x, dy) => tensor.zipWith(dy, (xi, d) => (xi > 0 ? d : 0))(x)), offKinks)
  },
  {
    bug: 'gelu: the density is forgotten in the gradient', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(gelu, (x, dy) => tensor.multiply(dy)(tensor.zipWith(x, (y, xi) => (xi === 0 ? 0.5 : y / xi))(gelu.forward(noParams, x)))), anyTensor)
  },
  {
    bug: 'gelu: the gradient of the exact form for the tanh form', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(geluTanh, (x, dy) => gelu.vjp(noParams, x)[1](dy).input), anyTensor)
  },
  {
    bug: 'a slope that comes with another function than the value', caughtBy: 'vjp agrees with forward',
    laws: laws.layer(pointwiseWithSlope(x => geluTanh.forward(noParams, x), x => [gelu.forward(noParams, x), tensor.map(() => 1)(x)]), anyTensor)
  },
  {
    bug: 'silu: the slope is the gate alone', caughtBy: 'gradient',
    laws: laws.layer(pointwiseWithSlope(x => silu.forward(noParams, x), x => [silu.forward(noParams, x), sigmoid.forward(noParams, x)]), anyTensor)
  },
  {
    bug: 'softmax: only the diagonal of the Jacobian', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(softmax, (x, dy) => tensor.zipWith(dy, (y, d) => d * y * (1 - y))(softmax.forward(noParams, x))), anyRows)
  },
  {
    bug: 'softmax: the temperature is missing in the gradient', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(softmaxWith(0.5), (x, dy) => tensor.scale(0.5)(softmaxWith(0.5).vjp(noParams, x)[1](dy).input)), anyRows)
  },
  {
    bug: 'softmax: the largest score is not subtracted', caughtBy: 'finite at extreme scores',
    laws: laws.softmax(parameterless(x => {
      const e = tensor.map(Math.exp)(x), means = rowMeans(e)
      return tensor.zipWith(means, (v, m) => v / (m * widthOf(x)))(e)
    }, (_, dy) => dy))
  },
  {
    bug: 'softmax: normalised over the whole tensor', caughtBy: 'rows sum to one',
    laws: laws.softmax(parameterless(x => tensor.reshape(x.shape)(softmax.forward(noParams, tensor.reshape([x.data.length])(x))), (_, dy) => dy))
  },
  {
    bug: 'softmax: multiplied with the temperature', caughtBy: 'definition',
    laws: laws.softmax(softmaxWith(2), 0.5)
  },
  {
    bug: 'log-softmax: the sum over dy is forgotten', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(logSoftmax, (_, dy) => dy), anyRows)
  },
  {
    bug: 'embedding: assigns instead of adding', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(tokenEmbedding, ({ weight }, tokens, dy) => {
      const [, width] = weight.shape, rows = new Map(Array.from(tokens.data, (id, n) => [id, n]))
      return {
        params: { weight: tensor.fromArray(weight.shape, Array.from(weight.data, (_, i) => {
          const n = rows.get(Math.floor(i / width))
          return n === undefined ? 0 : dy.data[n * width + i % width]
        }), 'float64') },
        input: undefined
      }
    }), embedding)
  },
  {
    bug: 'unembedding: dW divided by the number of rows', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(unembedding, (_, x, __, { params: { weight }, input }) =>
      ({ params: { weight: tensor.scale(widthOf(x) / x.data.length)(weight) }, input })), unembed)
  },
  {
    bug: 'positions: the gradient is not summed over the batch', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(learnedPositions, (_, __, dy, { params: { weight }, input }) =>
      ({ params: { weight: tensor.fromArray(weight.shape, Array.from(weight.data, (___, i) => dy.data[i]), 'float64') }, input })), positions)
  },
  {
    bug: 'positions: the gradient of the input is scaled', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(sinusoidalPositions, (_, dy) => doubled(dy)), withoutParams(sequences()))
  },
  { bug: 'layer norm: the mean is taken for a constant', caughtBy: 'gradient', laws: laws.layer(normDx(false, true), norm) },
  { bug: 'layer norm: the variance is taken for a constant', caughtBy: 'gradient', laws: laws.layer(normDx(true, false), norm) },
  { bug: 'layer norm: the variance of a sample (N − 1)', caughtBy: 'mean 0 and variance 1', laws: laws.normalization(sampleVariance, 1e-5) },
  {
    bug: 'layer norm: γ is forgotten in dx', caughtBy: 'gradient',
    laws: laws.layer(wrongGradient(layerNorm, ({ weight, bias }, x, dy, { params }) =>
      ({ params, input: layerNorm.vjp({ weight: tensor.full(weight.shape, 1, 'float64'), bias }, x)[1](dy).input })), norm)
  },
  {
    bug: 'dropout: the kept entries are not scaled up in the gradient', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(dropout(0.4, random.key(3)), (x, dy) => tensor.scale(0.6)(dropout(0.4, random.key(3)).vjp(noParams, x)[1](dy).input)), anyTensor)
  },
  {
    bug: 'dropout: another mask in the backward pass', caughtBy: 'gradient',
    laws: laws.layer(wrongInputGradient(dropout(0.4, random.key(3)), (x, dy) => dropout(0.4, random.key(4)).vjp(noParams, x)[1](dy).input), anyTensor)
  },
  {
    bug: 'a layer that writes to its input', caughtBy: 'purity',
    laws: laws.layer(parameterless((x: Tensor) => {
      const data = x.data as Float64Array // the planted mistake: a write through the read-only view
      for (let i = 0; i < data.length; i++) data[i] += 1
      return x
    }, (_, dy) => dy), anyTensor)
  },
  {
    bug: 'a pullback that adds to what it returned before', caughtBy: 'purity',
    laws: laws.layer({
      forward: (_, x: Tensor) => x,
      vjp: (_, x: Tensor) => {
        const total = new Float64Array(x.data.length)
        return [x, dy => {
          for (let i = 0; i < total.length; i++) total[i] += dy.data[i]
          return { params: noParams, input: { ...x, data: total } }
        }]
      }
    }, anyTensor)
  },
  {
    bug: 'a pullback that is not linear', caughtBy: 'pullback is linear',
    laws: laws.layer(wrongInputGradient(tanh, (x, dy) => tensor.map(d => Math.max(-1, Math.min(1, d)))(tanh.vjp(noParams, x)[1](dy).input)), anyTensor)
  },
  {
    bug: 'forward and vjp disagree', caughtBy: 'vjp agrees with forward',
    laws: laws.layer({ forward: tanh.forward, vjp: sigmoid.vjp }, anyTensor)
  },
  {
    bug: 'chain rule: the second layer is pulled back at the input of the first', caughtBy: 'gradient',
    laws: (() => {
      const right = pipe(linear, named('f'), andThen('g', tanh))
      const wrong: typeof right = layerKeeping({
        forward: (params: { readonly f: LinearParams, readonly g: Record<never, never> }, x: Tensor) => [right.forward(params, x), x],
        gradient: (params, x, _, dy) => {
          const { params: f, input } = linear.vjp(params.f, x)[1](tanh.vjp(noParams, x)[1](dy).input)
          return { params: { f, g: noParams }, input }
        }
      })
      return laws.layer(wrong, square.map(({ params, input }) => ({ params: { f: params, g: noParams }, input })))
    })()
  },
  {
    bug: 'residual: the skip is forgotten in the backward pass', caughtBy: 'gradient',
    laws: laws.layer({
      forward: (params: LinearParams, x: Tensor) => tensor.add(linear.forward(params, x))(x),
      vjp: (params: LinearParams, x: Tensor) => {
        const [y, pullback] = linear.vjp(params, x)
        return [tensor.add(y)(x), pullback]
      }
    }, square)
  }
]

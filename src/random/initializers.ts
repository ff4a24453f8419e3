/**
 * Initial weights: distributions whose width keeps signals of the same size from layer to layer.
 * A weight has the shape `[fanIn, fanOut]`.
 *
 * @module
 */
import { check, type Fields, functions, natural, optional, positiveInteger, precisions } from '../tensor/domain.js'
import type { Precision, Tensor } from '../tensor/tensor.js'
import { normal, uniform } from './distributions.js'
import type { Draw } from './key.js'

/** How a weight of shape `[fanIn, fanOut]` begins. */
export type Initializer = (fanIn: number, fanOut: number, precision?: Precision) => Draw<Tensor>

/** How the weights of a layer are drawn. */
export interface SpecOptions {
  /** Each layer has a default of its own. */
  readonly initializer?: Initializer | undefined
}

/** The same, but the last weight of a layer may be drawn differently. */
export interface OutputSpecOptions extends SpecOptions {
  /** How the last weight is drawn, the one whose output is added to the residual stream. Default: as the others. */
  readonly output?: Initializer | undefined
}

/** In which precision parameters are drawn. */
export interface PrecisionOptions {
  /** Default `float32`. */
  readonly precision?: Precision | undefined
}

export interface InitOptions extends SpecOptions, PrecisionOptions {}

export interface OutputInitOptions extends OutputSpecOptions, PrecisionOptions {}

export const PRECISION: Fields<PrecisionOptions> = { precision: optional(precisions) }
export const INIT: Fields<InitOptions> = { initializer: optional(functions), ...PRECISION }
export const OUTPUT_INIT: Fields<OutputInitOptions> = { output: optional(functions), ...INIT }

/** Throws unless widths are non-negative integers. */
export const checkWidths = (operation: string, widths: Readonly<Record<string, number>>): void => {
  for (const [name, width] of Object.entries(widths)) check(operation, name, natural, width)
}

/** Throws `RangeError` unless both are non-negative integers. */
const checkFans = (operation: string, fanIn: number, fanOut: number): void => {
  check(operation, 'fanIn', natural, fanIn)
  check(operation, 'fanOut', natural, fanOut)
}

/** √(numerator / fans); a weight without inputs has no entries, so it may have any width. */
const width = (numerator: number, fans: number): number => Math.sqrt(numerator / Math.max(1, fans))

/**
 * Uniform in ±√(6 / (fanIn + fanOut)), for tanh and sigmoid.
 * (X. Glorot, Y. Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, 2010, eq. 16.)
 *
 * @example
 * initLinear(2, 3, { initializer: random.xavierUniform })(random.key(0)).weight.shape // [2, 3]
 *
 * @category initializers
 */
export const xavierUniform: Initializer = (fanIn, fanOut, precision = 'float32') => {
  checkFans('random.xavierUniform', fanIn, fanOut)
  const max = width(6, fanIn + fanOut)
  return uniform([fanIn, fanOut], { min: -max, max, precision })
}

/**
 * Normal with variance 2 / (fanIn + fanOut). (Glorot and Bengio 2010, eq. 12.)
 *
 * @example
 * initLinear(2, 3, { initializer: random.xavierNormal })(random.key(0)).weight.shape // [2, 3]
 *
 * @category initializers
 */
export const xavierNormal: Initializer = (fanIn, fanOut, precision = 'float32') => {
  checkFans('random.xavierNormal', fanIn, fanOut)
  return normal([fanIn, fanOut], { deviation: width(2, fanIn + fanOut), precision })
}

/**
 * Uniform in ±√(6 / fanIn), for ReLU.
 * (K. He et al., *Delving Deep into Rectifiers*, 2015, eq. 10, as a uniform distribution of that variance.)
 *
 * @example
 * initMlp([2, 16, 1], { initializer: random.heUniform })(random.key(0)).output.weight.shape // [16, 1]
 *
 * @category initializers
 */
export const heUniform: Initializer = (fanIn, fanOut, precision = 'float32') => {
  checkFans('random.heUniform', fanIn, fanOut)
  const max = width(6, fanIn)
  return uniform([fanIn, fanOut], { min: -max, max, precision })
}

/**
 * Normal with variance 2 / fanIn, for ReLU. (He et al. 2015, eq. 10.)
 *
 * @example
 * initMlp([2, 16, 1], { initializer: random.heNormal })(random.key(0)).output.weight.shape // [16, 1]
 *
 * @category initializers
 */
export const heNormal: Initializer = (fanIn, fanOut, precision = 'float32') => {
  checkFans('random.heNormal', fanIn, fanOut)
  return normal([fanIn, fanOut], { deviation: width(2, fanIn), precision })
}

/**
 * GPT-2's: normal with deviation 0.02 for every weight.
 * (A. Radford et al., *Language Models are Unsupervised Multitask Learners*, 2019, § 2.3; the published code.)
 *
 * @example
 * tensor.norm(random.gpt2Normal(100, 100)(random.key(0))) / 100 // 0.01993
 *
 * @category initializers
 */
export const gpt2Normal: Initializer = (fanIn, fanOut, precision = 'float32') => {
  checkFans('random.gpt2Normal', fanIn, fanOut)
  return normal([fanIn, fanOut], { deviation: 0.02, precision })
}

/**
 * GPT-2's for a projection that ends on the residual stream: deviation 0.02 / √(2 · layers), since the stream
 * of a model with `layers` blocks is a sum of 2 · layers such projections. (Radford et al. 2019, § 2.3.)
 * Throws `RangeError` unless there is at least one.
 *
 * @example
 * tensor.norm(random.gpt2Residual(2)(100, 100)(random.key(0))) / 100 // 0.009964
 *
 * @category initializers
 */
export const gpt2Residual = (layers: number): Initializer => {
  check('random.gpt2Residual', 'layers', positiveInteger, layers)
  return (fanIn, fanOut, precision = 'float32') => {
    checkFans('random.gpt2Residual', fanIn, fanOut)
    return normal([fanIn, fanOut], { deviation: 0.02 / Math.sqrt(2 * layers), precision })
  }
}

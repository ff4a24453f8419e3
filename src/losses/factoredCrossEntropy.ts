/**
 * Cross-entropy from hidden states, without the logits as a whole: unembedding and cross-entropy as one loss.
 *
 * $$Y = X W^\top, \qquad \ell = \frac1N \sum_n \Big(\ln \sum_l e^{y_{nl}} - y_{n t_n}\Big)$$
 *
 * Shapes: hidden states $X$ `[..., D]`, table $W$ `[V, D]`, targets $t$ `[...]`; the logits $Y$ `[..., V]` exist some rows at a
 * time. Rows whose target is ignored count as little as they do in `crossEntropy`, and are not even read.
 *
 * **Derivation.** By the chain rule of `unembedding` and `crossEntropy`, with $P = \mathrm{softmax}(Y)$ and $G_{nv} =
 * \frac1N (P_{nv} - \delta_{v t_n})$,
 *
 * $$dX = G\,W, \qquad dW = G^\top X.$$
 *
 * A row of $G$ needs its own row of logits alone, and $N$, which the targets say before anything is computed. So with the rows in
 * blocks $b$ that follow each other, of which $X_b$ holds the hidden states and $G_b$ what belongs to them,
 *
 * $$\ell = \frac1N \sum_b \sum_{n \in b} \ell_n, \qquad dX_b = G_b\,W, \qquad dW = \sum_b G_b^\top X_b,$$
 *
 * and when a block has given its part of the three sums its logits are needed no more. $G_b$ takes the place of the logits, and
 * each term of $dW$ is added where the sum stands, in the order of the blocks. The loss is the last thing that a step computes, so that
 * gradients can be taken on the way to its value: three products, where going over the blocks a second time would take four.
 * (E. Wijmans et al., *Cut Your Losses in Large-Vocabulary Language Models*, 2024, who go over them twice.)
 *
 * @module
 */
import { crossEntropyGradient, crossEntropySum } from '../kernels/crossEntropy.js'
import { addGemm, gemm } from '../kernels/gemm.js'
import { gatherRows, scatterAddRows } from '../kernels/rows.js'
import type { Factors } from '../layer/factored.js'
import { overwriting, region, regionLoop, settled } from '../memory/region.js'
import { trusted } from '../memory/trust.js'
import { checkOptions, type Fields, optional, positiveInteger } from '../tensor/domain.js'
import { appendRows } from '../tensor/matrices.js'
import { rowsOf, ShapeError } from '../tensor/shape.js'
import { checkPrecision, checkTensors, own, type Tensor, type Tokens, zerosLike } from '../tensor/tensor.js'
import { type Loss, termScale, weightFor } from './loss.js'
import { withGradient } from './shortcuts.js'
import { counted, countedRows, type CrossEntropyOptions, crossEntropyFields, IGNORED, sizesOf } from './targets.js'

export interface FactoredCrossEntropyOptions extends CrossEntropyOptions {
  /** How many rows of logits there are at a time; default: as many as take 64 MB in single precision, but at least 256. */
  readonly rows?: number | undefined
}

const OPTIONS: Fields<FactoredCrossEntropyOptions> = { ...crossEntropyFields, rows: optional(positiveInteger) }

/** Logits that there are at a time, unless a caller says how many rows. */
const LOGITS = 2 ** 24
/**
 * Below so many rows a block saves less memory than the time is worth that it costs: it goes over the table twice and over its gradient
 * once, whatever its size. Measured on one thread in wide vectors, in time of the processor: GPT-2's head at 1024 tokens takes 1.04–1.09
 * times as long in blocks of 512 rows as with all logits, 1.06–1.12 times in blocks of 256, 1.19–1.35 times in blocks of 128; at 256 tokens
 * 1.24 times in blocks of 128 and 1.6 times in blocks of 32.
 */
const LEAST_ROWS = 256

/** Blocks of equal size, as far as that goes: a small one at the end would go over the table as often as a large one. */
const rowsOfBlocks = (count: number, vocabulary: number): number => {
  const most = Math.max(LEAST_ROWS, Math.floor(LOGITS / Math.max(1, vocabulary)))
  return Math.max(1, Math.ceil(count / Math.max(1, Math.ceil(count / most))))
}

/** What has been summed over the blocks before a row. */
interface Sums {
  readonly row: number
  readonly total: number
  /** $dX_b$ of each block, one below the other. */
  readonly dHidden: Tensor | undefined
  readonly dWeight: Tensor | undefined
}

/** The loss with the name that its errors have. */
export const crossEntropyOfFactors = (
  operation: string, { reduction, ignoreIndex: ignored = IGNORED, rows }: FactoredCrossEntropyOptions
): Loss<Factors, Tokens> => {
  /** Checks the arguments; what each block needs to know. */
  const problemOf = (factors: Factors, targets: Tokens) => {
    checkTensors(operation, 'prediction', ['hidden', 'weight'], factors)
    const { hidden, weight } = factors
    const { rows: height, width } = rowsOf(operation, hidden.shape)
    if (weight.shape.length !== 2 || weight.shape[1] !== width)
      throw new ShapeError(operation, 'hidden [..., D] and weight [V, D]', [hidden.shape, weight.shape])
    checkPrecision(operation, hidden, weight)
    const [vocabulary] = weight.shape, leading = hidden.shape.slice(0, -1)
    const { terms } = sizesOf(operation, [...leading, vocabulary], targets, ignored)
    const each = rows ?? rowsOfBlocks(terms, vocabulary)
    const scale = termScale(reduction, terms), counting = countedRows(targets, ignored)
    /** The rows that count from one on: their hidden states, their targets and their logits. */
    const blockFrom = ({ hidden: x, weight: w }: Factors, from: number) => {
      const ids = counting.subarray(from, from + each), count = ids.length
      const states = own([count, width], gatherRows({ rows: height, width, count }, x.data, ids))
      const logits = own([count, vocabulary], gemm(
        { batch: 1, m: count, n: vocabulary, k: width, transposeA: false, transposeB: true }, states.data, w.data))
      return { sizes: { rows: count, width: vocabulary, ignored, scale }, states, logits, right: ids.map(id => targets.data[id]) }
    }
    return { height, width, vocabulary, terms, each, scale, counting, blockFrom }
  }

  const forward = (factors: Factors, targets: Tokens): number => {
    const { terms, each, scale, blockFrom } = problemOf(factors, targets)
    return region(() => {
      const near = settled(factors)
      let total = 0
      for (let row = 0; row < terms; row += each)
        total += region(() => {
          const { sizes, logits, right } = blockFrom(near, row)
          return crossEntropySum(sizes, logits.data, right)
        })
      return total * scale
    })
  }

  const both = (factors: Factors, targets: Tokens): readonly [number, Factors] => {
    const { height, width, vocabulary, terms, scale, counting, blockFrom } = problemOf(factors, targets)
    return region(() => {
      const near = settled(factors), { weight } = near
      const after = ({ row, total, dHidden, dWeight }: Sums): Sums => {
        const { sizes, states, logits, right } = blockFrom(near, row), count = right.length
        const sum = crossEntropySum(sizes, logits.data, right)
        const g = overwriting(logits, () => crossEntropyGradient(sizes, logits.data, right))
        const product = { m: vocabulary, n: width, k: count, transposeA: true, transposeB: false }
        const dW = dWeight === undefined
          ? gemm({ batch: 1, ...product }, g, states.data)
          : overwriting(dWeight, () => addGemm(product, dWeight.data, g, states.data))
        const dX = own([count, width], gemm({ batch: 1, m: count, n: width, k: vocabulary, transposeA: false, transposeB: false }, g, weight.data))
        return {
          row: row + count, total: total + sum, dWeight: own(weight.shape, dW), dHidden: dHidden === undefined ? dX : appendRows(dX)(dHidden)
        }
      }
      const { total, dHidden, dWeight } = regionLoop<Sums>(
        { row: 0, total: 0, dHidden: undefined, dWeight: undefined }, sums => (sums.row < terms ? after(sums) : undefined))
      if (dHidden === undefined || dWeight === undefined) return [0, { hidden: zerosLike(near.hidden), weight: zerosLike(weight) }]
      // Rows that do not count have no gradient.
      const dX = terms === height ? dHidden.data : scatterAddRows({ rows: height, width, count: terms }, dHidden.data, counting)
      return [total * scale, { hidden: { ...near.hidden, data: dX }, weight: dWeight }]
    })
  }

  return withGradient(trusted<Loss<Factors, Tokens>>({
    forward,
    gradient: (factors, targets) => both(factors, targets)[1],
    weight: targets => weightFor(reduction, counted(targets, ignored))
  }), both)
}

/**
 * The cross-entropy of logits $X W^\top$ that are given as `factored` models give them: as hidden states and a table. The mean (or sum) of
 * $\ln \sum_l e^{y_{nl}} - y_{n t_n}$ over the rows that count, in nats, and gradients for both, with some rows of logits at a time. Every
 * block goes once over the table and its gradient, so that few rows save memory and cost time.
 *
 * Throws `ShapeError` if the shapes do not fit and `RangeError` for a target outside the vocabulary.
 *
 * @example
 * const logits = { hidden: tensor.of([[1], [9]]), weight: tensor.of([[0], [1]]) }
 * factoredCrossEntropy({ rows: 1 }).forward(logits, tensor.tokensOf([1, 1])) // 0.1567
 *
 * @category losses
 */
export const factoredCrossEntropy = (options: FactoredCrossEntropyOptions = {}): Loss<Factors, Tokens> => {
  checkOptions('factoredCrossEntropy', OPTIONS, options)
  return crossEntropyOfFactors('factoredCrossEntropy', { ...options })
}

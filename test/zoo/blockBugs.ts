import { attentionWeights, causalMask, layerKeeping, noMask, paddingMask, tensor, type Layer, type Mask, type NoParams, type QueryKeyValue, type Tensor } from 'pullback'
import { laws } from 'pullback/laws'
import type { Bug } from './bug.js'

type Mistake = 'sum' | 'output' | 'D' | 'log-sum-exp' | 'temperature' | 'border' | 'last block' | 'reach' | 'shared maximum'

/** Keys of a block. */
const BLOCK = 3

const dot = (a: Tensor, row: number, b: Tensor, other: number): number => {
  const width = a.shape[2]
  let sum = 0
  for (let j = 0; j < width; j++) sum += a.data[row * width + j] * b.data[other * width + j]
  return sum
}

/** Attention block by block of keys, written out, so that a step can go wrong. */
const blocked = (mistake?: Mistake) => (mask: Mask): Layer<NoParams, QueryKeyValue, Tensor> => {
  /** For every query: the row of the query, and the blocks of rows of keys that it sees. */
  const each = ({ query, key }: QueryKeyValue, visit: (row: number, blocks: readonly (readonly number[])[]) => void): void => {
    const [batch, queries] = query.shape, keys = key.shape[1]
    for (let b = 0; b < batch; b++)
      for (let t = 0; t < queries; t++) {
        const end = mask.causal ? Math.max(0, t + 1 + keys - queries) : keys, blocks: number[][] = []
        for (let first = 0; first < (mistake === 'last block' ? end - BLOCK + 1 : mistake === 'border' && mask.causal ? end - 1 : end); first += BLOCK)
          blocks.push(Array.from({ length: Math.min(BLOCK, keys - first) }, (_, i) => first + i)
            .filter(s => (s < end || mistake === 'reach') && (mask.keep === undefined || mask.keep.data[b * keys + s] !== 0)).map(s => b * keys + s))
        visit(b * queries + t, blocks.filter(({ length }) => length > 0))
      }
  }
  return layerKeeping({
    forward: (_: NoParams, x: QueryKeyValue) => {
      const { query, key, value } = x, [batch, queries, d] = query.shape, e = value.shape[2]
      const y = new Float64Array(batch * queries * e), logSumExp = new Float64Array(batch * queries)
      each(x, (row, blocks) => {
        let largest = -Infinity, sum = 0, output = Array<number>(e).fill(0)
        for (const block of blocks) {
          const scores = block.map(s => dot(query, row, key, s) / Math.sqrt(d))
          const next = Math.max(largest, ...scores), factor = Math.exp(largest - next)
          const weights = scores.map(z => Math.exp(z - (mistake === 'shared maximum' && largest > -Infinity ? largest : next)))
          sum = (mistake === 'sum' ? sum : factor * sum) + weights.reduce((a, b) => a + b, 0)
          output = output.map((o, c) => (mistake === 'output' ? o : factor * o) + weights.reduce((total, w, i) => total + w * value.data[block[i] * e + c], 0))
          largest = next
        }
        output.forEach((o, c) => { y[row * e + c] = sum === 0 ? 0 : o / sum })
        logSumExp[row] = (mistake === 'log-sum-exp' ? 0 : largest) + Math.log(sum)
      })
      const output = tensor.fromArray([batch, queries, e], y, tensor.precisionOf(query))
      return [output, { y: output, logSumExp }] as const
    },
    gradient: (_: NoParams, x, { y, logSumExp }, dy: Tensor) => {
      const { query, key, value } = x, d = query.shape[2], e = value.shape[2], root = Math.sqrt(d)
      const [dq, dk, dv] = [query, key, value].map(({ data }) => new Float64Array(data.length))
      each(x, (row, blocks) => {
        const D = mistake === 'D' ? 0 : dot(dy, row, y, row)
        for (const s of blocks.flat()) {
          const weight = Math.exp(dot(query, row, key, s) / (mistake === 'temperature' ? 1 : root) - logSumExp[row])
          const dScore = weight * (dot(dy, row, value, s) - D) / root
          for (let j = 0; j < d; j++) {
            dq[row * d + j] += dScore * key.data[s * d + j]
            dk[s * d + j] += dScore * query.data[row * d + j]
          }
          for (let c = 0; c < e; c++) dv[s * e + c] += weight * dy.data[row * e + c]
        }
      })
      const like = (of: Tensor, data: Float64Array): Tensor => tensor.fromArray(of.shape, data, tensor.precisionOf(of))
      return { params: {}, input: { query: like(query, dq), key: like(key, dk), value: like(value, dv) } }
    }
  })
}

const masks = { none: noMask, causal: causalMask, padding: paddingMask }

/** What holds of the right version, which `zoo.test.ts` checks too. */
export const blockwise = laws.attentionByWeights(blocked(), attentionWeights, masks)

const wrong = (bug: string, mistake: Mistake, caughtBy: 'weights times values' | 'gradient by weights'): Bug =>
  ({ bug: `attention in blocks: ${bug}`, caughtBy, laws: laws.attentionByWeights(blocked(mistake), attentionWeights, masks) })

export const blockBugs: readonly Bug[] = [
  wrong('the sum is not rescaled when the maximum grows', 'sum', 'weights times values'),
  wrong('the output is not rescaled when the maximum grows', 'output', 'weights times values'),
  wrong('the weights of a block are those beside the maximum before it', 'shared maximum', 'weights times values'),
  wrong('a block that begins with the last visible key is skipped', 'border', 'weights times values'),
  wrong('a block that is not whole is skipped', 'last block', 'weights times values'),
  wrong('the last visible block is seen as a whole', 'reach', 'weights times values'),
  wrong('D is missing', 'D', 'gradient by weights'),
  wrong('the log-sum-exp without the maximum', 'log-sum-exp', 'gradient by weights'),
  wrong('the temperature is forgotten when weights are computed again', 'temperature', 'gradient by weights')
]

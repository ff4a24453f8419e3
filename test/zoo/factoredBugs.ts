import {
  crossEntropy, factored, factoredCrossEntropy, gpt, lossAndGradient, random, tensor, type Factors, type GptParams, type Layer, type Loss, type Tensor, type Tokens
} from 'pullback'
import fc from 'fast-check'
import { laws } from 'pullback/laws'
import { withGradient } from '../../src/losses/shortcuts.js'
import { factorPoints } from '../catalogue/factored.js'
import { gptPoints } from '../catalogue/models.js'
import type { Bug } from './bug.js'

interface Block {
  readonly hidden: Tensor
  readonly ids: Tokens
  readonly gradient: Factors
  readonly loss: number
}

interface Mistakes {
  /** The blocks that are computed. */
  readonly blocks?: (from: readonly number[]) => readonly number[]
  /** The rows whose targets a block takes. */
  readonly targets?: (from: number, rows: number, all: readonly number[]) => readonly number[]
  /** With what a block's sum is multiplied. */
  readonly scale?: (ids: readonly number[], all: readonly number[]) => number
  readonly sumOfTables?: (before: Tensor, next: Tensor) => Tensor
  /** The gradients of the hidden states of all blocks. */
  readonly order?: <A>(blocks: readonly A[]) => readonly A[]
}

const IGNORED = -100
const countedIn = (ids: readonly number[]): number => ids.filter(id => id !== IGNORED).length
const inverse = (count: number): number => (count === 0 ? 0 : 1 / count)

/** Cross-entropy in blocks of rows as the library has it, but for what is named. It reads the rows that do not count, too. */
const inBlocks = ({
  blocks = from => from, targets = (from, rows, all) => all.slice(from, from + rows), scale = (_, all) => inverse(countedIn(all)),
  sumOfTables = (before, next) => tensor.add(next)(before), order = list => list
}: Mistakes) => ({ reduction, rows }: laws.FactoredLossOptions): Loss<Factors, Tokens> => {
  const all = ({ hidden, weight }: Factors, { data }: Tokens): readonly Block[] => {
    const states = tensor.reshape([data.length, weight.shape[1]])(hidden), ids = Array.from(data)
    const starts = Array.from({ length: Math.ceil(data.length / rows) }, (_, i) => i * rows)
    return blocks(starts).map(from => {
      const end = Math.min(data.length, from + rows), x = tensor.slice(from, end)(states), own = tensor.tokensFromArray([end - from], targets(from, end - from, ids))
      const logits = tensor.matmul(weight, { right: true })(x), sum = crossEntropy({ reduction: 'sum' })
      const s = reduction === 'sum' ? 1 : scale(Array.from(own.data), ids), g = tensor.scale(s)(sum.gradient(logits, own))
      return { hidden: x, ids: own, loss: s * sum.forward(logits, own), gradient: { hidden: tensor.matmul(weight)(g), weight: tensor.matmul(x, { left: true })(g) } }
    })
  }
  return {
    forward: (factors, ids) => all(factors, ids).reduce((sum, { loss }) => sum + loss, 0),
    gradient: ({ hidden, weight }, ids) => {
      const parts = all({ hidden, weight }, ids).map(({ gradient }) => gradient)
      const entries = order(parts).flatMap(part => Array.from(part.hidden.data))
      return {
        hidden: tensor.fromArray(hidden.shape, Array.from(hidden.data, (_, i) => entries[i] ?? 0), 'float64'),
        weight: parts.reduce((sum, part) => sumOfTables(sum, part.weight), tensor.zerosLike(weight))
      }
    }
  }
}

const lossBug = (bug: string, caughtBy: string, mistakes: Mistakes): Bug => ({ bug, caughtBy, laws: laws.factoredCrossEntropy(inBlocks(mistakes), IGNORED, factorPoints) })

const PRODUCT = 'the loss of the product'

const right = gpt({ heads: 2 })
const examples = fc.record({ params: gptPoints.params, input: gptPoints.input, target: gptPoints.input })

/** A right factored form with another pullback, or another model. */
const formBug = (bug: string, form: (right: Layer<GptParams, Tokens, Factors, void>) => Layer<GptParams, Tokens, Factors, void>, model = right): Bug =>
  ({ bug, caughtBy: 'factors', laws: [laws.factoredModel(each => form(factored(each)), model, gptPoints)] })

export const factoredBugs: readonly Bug[] = [
  lossBug('cross-entropy in blocks: the last block is dropped', PRODUCT, { blocks: from => from.slice(0, -1) }),
  lossBug('cross-entropy in blocks: a mean of the means of blocks', PRODUCT, { scale: (ids, all) => inverse(countedIn(ids)) * ids.length * inverse(all.length) }),
  lossBug('cross-entropy in blocks: every block is divided by its own count', PRODUCT, { scale: ids => inverse(countedIn(ids)) }),
  lossBug('cross-entropy in blocks: ignored rows count in the mean', PRODUCT, { scale: (_, all) => inverse(all.length) }),
  lossBug('cross-entropy in blocks: every block has the targets of the first', PRODUCT, { targets: (_, rows, all) => all.slice(0, rows) }),
  lossBug('cross-entropy in blocks: targets begin one row late', PRODUCT, { targets: (from, rows, all) => Array.from({ length: rows }, (_, i) => all[(from + i + 1) % all.length]) }),
  lossBug('cross-entropy in blocks: the gradient of the table is that of the last block', PRODUCT, { sumOfTables: (_, next) => next }),
  lossBug('cross-entropy in blocks: the gradient of the table is added twice', PRODUCT, { sumOfTables: (before, next) => tensor.add(next)(tensor.add(next)(before)) }),
  lossBug('cross-entropy in blocks: hidden states get the gradients of the blocks in reverse', PRODUCT, { order: list => list.slice().reverse() }),
  lossBug('cross-entropy in blocks: rows that do not count are multiplied by zero', 'what does not count is not read', {}),
  {
    bug: 'cross-entropy in blocks: on the way to its value the gradient lacks the mean', caughtBy: 'value and gradient at once',
    laws: laws.factoredCrossEntropy(options => {
      const loss = factoredCrossEntropy(options), sum = factoredCrossEntropy({ ...options, reduction: 'sum' })
      return withGradient({ ...loss }, (factors, ids) => [loss.forward(factors, ids), sum.gradient(factors, ids)])
    }, IGNORED, factorPoints)
  },
  formBug('factors: the table that is shared learns from the embedding alone', form => ({
    ...form,
    vjp: (params, x) => {
      const [factors, pullback] = form.vjp(params, x)
      return [factors, ({ hidden, weight }) => pullback({ hidden, weight: tensor.zerosLike(weight) })]
    }
  })),
  formBug('factors: hidden states learn nothing', form => ({
    ...form,
    vjp: (params, x) => {
      const [factors, pullback] = form.vjp(params, x)
      return [factors, ({ hidden, weight }) => pullback({ hidden: tensor.zerosLike(hidden), weight })]
    }
  })),
  formBug('factors: those of the model without its dropout', () => factored(right), gpt({ heads: 2, dropout: { rate: 0.5, key: random.key(1) } })),
  formBug('factors: the table is not the one of the model', form => ({ ...form, forward: (params, x) => {
    const { hidden, weight } = form.forward(params, x)
    return { hidden, weight: tensor.scale(2)(weight) }
  } })),
  {
    bug: 'training takes the factors of a model whose pullback was exchanged', caughtBy: 'the shortest way',
    laws: [laws.shortestWay((_, loss) => lossAndGradient(right, loss), {
      ...right,
      vjp: (params: GptParams, x: Tokens) => {
        const [y, pullback] = right.vjp(params, x)
        return [y, (dy: Tensor) => pullback(tensor.scale(2)(dy))] as const
      }
    }, crossEntropy(), examples)]
  },
  {
    bug: 'training takes the factors for a loss that was exchanged', caughtBy: 'the shortest way',
    laws: [laws.shortestWay(model => lossAndGradient(model, crossEntropy()), right, { ...crossEntropy(), forward: (p: Tensor, t: Tokens) => 2 * crossEntropy().forward(p, t) }, examples)]
  }
]

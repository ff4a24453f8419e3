/**
 * Targets of a cross-entropy: the right index of each row, or one that says that the row does not count.
 *
 * @module
 */
import { type Fields, integer32, optional } from '../tensor/domain.js'
import { sameShape, type Shape, ShapeError, rowsOf } from '../tensor/shape.js'
import { checkTokens, type Tokens } from '../tensor/tensor.js'
import { type LossOptions, reductions } from './loss.js'

export interface CrossEntropyOptions extends LossOptions {
  /** The target of rows that do not count; default −100. */
  readonly ignoreIndex?: number | undefined
}

export const IGNORED = -100

export const crossEntropyFields: Fields<CrossEntropyOptions> = { reduction: reductions, ignoreIndex: optional(integer32) }

/** The width of a row of logits and the number of rows that count. Throws what a cross-entropy throws for its targets. */
export const sizesOf = (operation: string, logits: Shape, targets: Tokens, ignored: number) => {
  checkTokens(operation, 'targets', targets)
  const { width } = rowsOf(operation, logits)
  if (!sameShape(logits.slice(0, -1), targets.shape))
    throw new ShapeError(operation, 'logits [..., V] and targets [...]', [logits, targets.shape])
  let terms = 0
  for (let row = 0; row < targets.data.length; row++) {
    const target = targets.data[row]
    if (target === ignored) continue
    if (target < 0 || target >= width)
      throw new RangeError(`${operation}: expected targets from 0 to ${width - 1}, got ${target} in row ${row}`)
    terms++
  }
  return { width, terms }
}

/** The rows whose targets count. */
export const countedRows = ({ data }: Tokens, ignored: number): Int32Array =>
  Int32Array.from(data, (_, row) => row).filter(row => data[row] !== ignored)

/** How many targets count. */
export const counted = (targets: Tokens, ignored: number): number => countedRows(targets, ignored).length

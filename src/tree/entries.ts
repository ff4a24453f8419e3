/**
 * A look at lists of entries that somebody else made.
 *
 * @module
 */
import { arrays, check, show } from '../tensor/domain.js'
import { isTensor } from '../tensor/tensor.js'

/** Throws `TypeError` for what is no list of paths and tensors. */
export const checkEntries = (operation: string, entries: readonly unknown[]): void => {
  check(operation, 'entries', arrays, entries)
  const wrong = entries.findIndex(entry => !Array.isArray(entry) || typeof entry[0] !== 'string' || !isTensor(entry[1]))
  if (wrong >= 0) throw new TypeError(`${operation}: expected entries[${wrong}] to be a path and a tensor, got ${show(entries[wrong])}`)
}

/**
 * What the records of training have, and what a function says that may end it.
 *
 * @module
 */
import { check, flag, recordOf } from '../tensor/domain.js'

export const examples = recordOf('input', 'target')
export const trainedRecords = recordOf('params', 'state')
export const gradients = recordOf('loss', 'gradient')

/** Whether `until` ends what it was asked about. Throws `TypeError` unless it says true or false: a promise would end everything. */
export const ended = (operation: string, end: boolean): boolean => {
  check(operation, 'what until gives', flag, end)
  return end
}

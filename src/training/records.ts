/**
 * What the records of training have.
 *
 * @module
 */
import { recordOf } from '../tensor/domain.js'

export const examples = recordOf('input', 'target')
export const trainedRecords = recordOf('params', 'state')
export const gradients = recordOf('loss', 'gradient')

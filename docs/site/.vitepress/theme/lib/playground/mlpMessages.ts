/**
 * What the page of the perceptron and its worker say to each other.
 */
import type { MlpPicture } from './mlpRun.js'
import type { MlpSettings } from './mlpSettings.js'

/** Points and the class of each, as plain arrays. */
export interface PointSet {
  readonly places: Float32Array
  readonly labels: Float32Array
}

export type MlpRequest =
  | { readonly kind: 'open', readonly run: number, readonly settings: MlpSettings }
  | { readonly kind: 'advance', readonly run: number, readonly steps: number }

/** Each with the number of its run: answers that come after a reset are of the run before. */
export type MlpReply = { readonly run: number } & (
  | { readonly kind: 'opened', readonly training: PointSet, readonly heldOut: PointSet, readonly parameters: number, readonly picture: MlpPicture }
  | { readonly kind: 'picture', readonly picture: MlpPicture }
  | { readonly kind: 'problem', readonly sentence: string })

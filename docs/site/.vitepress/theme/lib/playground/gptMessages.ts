/**
 * What the page of the GPT and its worker say to each other.
 */
import type { Point } from './curve.js'
import type { Flow } from './flow.js'
import type { GptSettings, GptView } from './gptSettings.js'
import type { Attention, Candidate } from './looking.js'
import type { Sample } from './session.js'

/** What is opened: a new run, or the one that was kept if it is the one that the address means. */
export interface Opening {
  readonly settings: GptSettings
  readonly text: string
  /** How to look for a kept run: not at all, any, or one of these settings with the text of this fingerprint. */
  readonly kept: 'none' | 'any' | { readonly fingerprint: string }
}

export type GptRequest =
  | { readonly kind: 'open', readonly opening: Opening }
  | { readonly kind: 'train' | 'pause' | 'step' | 'save' | 'keep' }
  | { readonly kind: 'view', readonly view: GptView }
  | { readonly kind: 'load', readonly name: string, readonly bytes: Uint8Array }

/** A run at its beginning, or where it was left. */
export interface Opened {
  readonly settings: GptSettings
  readonly text: string
  readonly parameters: number
  readonly vocabulary: number
  readonly threads: number
  readonly isolated: boolean
  readonly kernels: string
  /** Why the model cannot be trained on the text; empty if it can. */
  readonly refusal: string
  readonly from: 'new' | 'kept' | 'file'
}

export type GptReply =
  | { readonly kind: 'opened', readonly opened: Opened }
  | { readonly kind: 'progress', readonly step: number, readonly running: boolean, readonly loss: number | undefined, readonly tokensPerSecond: number | undefined }
  | { readonly kind: 'curves', readonly training: readonly Point[], readonly heldOut: readonly Point[] }
  | { readonly kind: 'samples', readonly samples: readonly Sample[] }
  | { readonly kind: 'look', readonly attention: Attention, readonly candidates: readonly Candidate[] }
  | { readonly kind: 'flow', readonly flow: Flow }
  | { readonly kind: 'weights', readonly bytes: Uint8Array<ArrayBuffer> }
  /** A sentence about the prompt, about whether the run is kept, or about anything else. Of the first two an empty one takes it back. */
  | { readonly kind: 'problem', readonly about: 'prompt' | 'keeping' | 'run', readonly sentence: string }

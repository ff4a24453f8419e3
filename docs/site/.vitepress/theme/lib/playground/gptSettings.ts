/**
 * What can be chosen for the GPT. Without the library, so that the page reads it without loading that.
 */
import { integerField, numberField, settingsOf, type Field, type Fields, type ReadSettings } from './fields.js'

/** What a run follows from, together with its text. */
export interface GptSettings {
  readonly blocks: number
  readonly heads: number
  readonly width: number
  readonly context: number
  readonly batch: number
  readonly rate: number
  readonly seed: number
}

/** What the reader looks at; it changes nothing in the run. */
export interface GptView {
  readonly prompt: string
  readonly temperature: number
  /** 0: all. */
  readonly top: number
}

export const LONGEST_PROMPT = 60

const promptField: Field<string> = {
  initial: 'On Monday the miller', expected: `a text of 1 to ${LONGEST_PROMPT} characters`, write: String,
  read: text => (text.length > 0 && text.length <= LONGEST_PROMPT ? text : undefined)
}

export const GPT_FIELDS: Fields<GptSettings> = {
  blocks: integerField(2, 1, 6),
  heads: integerField(4, 1, 8),
  width: integerField(64, 8, 256),
  context: integerField(64, 8, 256),
  batch: integerField(16, 1, 64),
  rate: numberField(0.003, 0.000001, 1),
  seed: integerField(1, 0, 999_999)
}

export const VIEW_FIELDS: Fields<GptView> = {
  prompt: promptField,
  temperature: numberField(0.8, 0, 3),
  top: integerField(0, 0, 1000)
}

/** What a menu offers for a setting; what an address or a file has beside these joins them. */
export const OFFERED: { readonly [K in keyof Omit<GptSettings, 'seed'>]: readonly number[] } = {
  blocks: [1, 2, 3, 4], heads: [1, 2, 4, 8], width: [32, 64, 96, 128, 192], context: [32, 64, 128], batch: [8, 16, 32], rate: [0.0003, 0.001, 0.003, 0.01, 0.03]
}

/** What does not fit together in settings that are each right. */
export const disagreement = ({ heads, width }: GptSettings): string | undefined =>
  width % heads === 0 ? undefined : `A width of ${width} cannot be cut into ${heads} heads of one size.`

/** The settings of a query that a run can begin with: what does not fit together is where it begins, and said. */
export const gptSettingsOf = (query: string): ReadSettings<GptSettings> => {
  const { settings, problems } = settingsOf(GPT_FIELDS)(query), wrong = disagreement(settings)
  if (wrong === undefined) return { settings, problems }
  const { heads, width } = { heads: GPT_FIELDS.heads.initial, width: GPT_FIELDS.width.initial }
  return { settings: { ...settings, heads, width }, problems: [...problems, `${wrong} A width of ${width} and ${heads} heads are used.`] }
}

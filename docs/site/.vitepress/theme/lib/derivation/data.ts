/** What the pages of the derivations need to run changed steps, loaded when a step is opened. */

export interface Suggestion {
  readonly label: string
  readonly code: string
}

export interface PageData {
  readonly key: string
  readonly helpers: readonly string[]
  readonly aliases: Readonly<Record<string, string>>
  readonly steps: Readonly<Record<string, { readonly code: string, readonly suggestions: readonly Suggestion[] } | undefined>>
}

const files = import.meta.glob<PageData>('../../../generated/steps/*.json', { import: 'default' })

export const loadSteps = (slug: string): Promise<PageData> => {
  const load = files[`../../../generated/steps/${slug}.json`]
  if (load === undefined) throw new Error(`no steps of ${slug}`)
  return load()
}

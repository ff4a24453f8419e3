/**
 * The pages of the derivations as the site shows them.
 */
import { chapters } from '../../laws/derivations/index.js'
import { slug, titleOf } from '../pages.js'

export const derivationPages = (): ReadonlyMap<string, string> => {
  const index = ['# Derivations', ...chapters.map(({ title, pages }) =>
    `## ${title}\n\n${pages.map(({ derivation: { name } }) => `- [${titleOf(name)}](./${slug(name)}.md)`).join('\n')}`)]
  const all = chapters.flatMap(({ pages }) => pages)
  return new Map([
    ['index.md', `${index.join('\n\n')}\n`] as const,
    ...all.map(({ derivation: { name, introduction } }) => [`${slug(name)}.md`, `# ${titleOf(name)}\n\n${introduction}\n`] as const)
  ])
}

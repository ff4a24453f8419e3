/**
 * The pages of all public functions, from their types and doc comments.
 */
import { derivations } from '../../laws/derivations/index.js'
import { catalogue } from '../../test/catalogue/index.js'
import { entries, type Entry } from '../api.js'
import { slug } from '../pages.js'
import { sourcePage } from './sources.js'

const lawsOf = new Map(Object.values(catalogue).flat().map(({ subject, laws }) => [subject, laws] as const))
const derivationOf = new Map(derivations.flatMap(({ about, name }) => about.map(subject => [subject, name] as const)))

/** A text in which markdown and Vue take nothing for themselves but code and formulae. */
const escaped = (text: string): string => text.split(/(`[^`]*`|\$\$[\s\S]*?\$\$|\$[^$]*\$)/).map((part, i) => (i % 2 === 1 ? part : part.replace(/</g, '&lt;').replace(/\{\{/g, '{ {'))).join('')

const linksOf = ({ name, source }: Entry): string => {
  const derivation = derivationOf.get(name), laws = lawsOf.get(name) ?? []
  return [
    ...(derivation === undefined ? [] : [`[Derivation](../derivations/${slug(derivation)}.md)`]),
    `[Source: ${source.file}, line ${source.line}](/source/${sourcePage(source.file)}#L${source.line}){target="_self"}`,
    ...(laws.length === 0 ? [] : [`Laws: ${laws.map(law => law.name).join('; ')}`])
  ].map(line => `- ${line}`).join('\n')
}

const shown = (entry: Entry): string => [
  `## ${entry.name}`, `\`\`\`ts\n${entry.signature}\n\`\`\``,
  ...(entry.from === 'pullback' ? [] : [`From \`${entry.from}\`.`]), escaped(entry.description),
  ...entry.examples.map(code => `\`\`\`ts\n${code}\n\`\`\``), linksOf(entry)
].join('\n\n')

const anchor = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-')

const all = entries(), chapters = Array.from(new Set(all.map(({ chapter }) => chapter)))

export const apiPages = (): ReadonlyMap<string, string> => {
  const index = ['# Reference',
    'Every public function, with its type, its formula, an example that the tests run, and the way to its derivation, its laws and its source. Shapes are written with letters: B batch, T time, D width, V vocabulary. In an example a comment behind an expression is its value, with fractions rounded to four digits.',
    ...chapters.map(chapter => `## [${chapter}](./${slug(chapter)}.md)\n\n${all.filter(entry => entry.chapter === chapter).map(({ name }) => `[\`${name}\`](./${slug(chapter)}.md#${anchor(name)})`).join(' · ')}`)]
  return new Map([
    ['index.md', `---\noutline: 2\n---\n\n${index.join('\n\n')}\n`] as const,
    ...chapters.map(chapter => [`${slug(chapter)}.md`, [
      '---\noutline: 2\n---', `# ${chapter}`, ...all.filter(entry => entry.chapter === chapter).map(shown)
    ].join('\n\n')] as const)
  ])
}

/** The chapters of the reference, for the side of its pages. */
export const apiSidebar = () => [{
  text: 'Reference', items: chapters.map(chapter => ({ text: chapter, link: `/api/${slug(chapter)}` }))
}]

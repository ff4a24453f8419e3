/**
 * The pages of the derivations: the formulae from the values that the tests run, the code from their files.
 */
import type { Derivation, Page } from 'pullback/laws'
import { chapters } from '../laws/derivations/index.js'
import { printed } from '../laws/derivations/relations.js'
import { codeOf, type PageCode } from './code.js'
import { dependenceTable, exampleIn } from './example.js'
import { lettersTable } from './letters.js'

export const slug = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/-$/, '')

const display = (formula: string): string => `$$\n${formula}\n$$`

const typescript = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``

const GENERATED = '<!-- Written by `npm run derivations` from laws/derivations; a test compares it with them. -->'

export const titleOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`

export const all: readonly Page[] = chapters.flatMap(({ pages }) => pages)

export const linkTo = ({ derivation: { name } }: Page): string => `[${name}](${slug(name)}.md)`

export const usedPages = ({ uses }: Derivation): readonly Page[] => uses.map(key => {
  const page = all.find(other => other.key === key)
  if (page === undefined) throw new Error(`no page is called "${key}"`)
  return page
})

/** A formula that is printed and not evaluated carries a dagger. */
export const marked = ({ unevaluated }: Derivation, formula: string): string => (formula in unevaluated ? `${formula}\\;{}^\\dagger` : formula)

/**
 * A text as it is printed, with a dagger behind each formula that is not evaluated. Markdown takes a backslash before a comma and
 * an asterisk in a line for itself, so the space is left out and the asterisk spelt out there.
 */
export const prose = (derivation: Derivation, text: string): string =>
  printed(text).replace(/\$([^$]+)\$/g, (_, formula: string) => `$${inline(formula in derivation.unevaluated ? `${formula} {}^\\dagger` : formula)}$`)

const inline = (formula: string): string => formula.replace(/\\[,;]/g, ' ').replace(/\^\*/g, '^\\ast').replace(/ +/g, ' ')

/** Formulae and code of some letters. */
const definitions = (derivation: Derivation, code: PageCode, names: readonly string[]): readonly string[] => {
  const { letters } = derivation.letters
  const formulas = names.flatMap(name => {
    const letter = letters[name]
    return letter.kind === 'defined' && letter.formula !== '' ? [display(marked(derivation, letter.formula))] : []
  })
  const named = code.letters.filter(([name]) => names.includes(name)).map(([name, text]) => `const ${name} = ${text}`)
  return [...formulas, ...(named.length === 0 ? [] : [typescript(named.join('\n\n'))])]
}

/** What makes the output, and what is defined with the gradients at hand. */
const definitionsOf = (derivation: Derivation, code: PageCode): readonly string[] => {
  const { letters, functions } = derivation.letters
  const names = Object.keys(letters), isGradient = (name: string): boolean => derivation.outputs.some(({ gradient }) => gradient === name)
  const end = names.findIndex(name => letters[name].kind === 'sought' || isGradient(name))
  const before = end < 0 ? names : names.slice(0, end), after = end < 0 ? [] : names.slice(end)
  const ofNumbers = Object.values(functions).flatMap(({ latex, parameter, formula }) =>
    (parameter === undefined || formula === '' ? [] : [display(`${latex}(${parameter}) = ${marked(derivation, formula)}`)]))
  const codes = code.functions.map(([name, text]) => `const ${name} = ${text}`)
  const first = [...ofNumbers, ...(codes.length === 0 ? [] : [typescript(codes.join('\n\n'))]), ...definitions(derivation, code, before)]
  const further = definitions(derivation, code, after)
  const inLibrary = derivation.outputs.some(({ inLibrary: it }) => it)
  return [
    ...(first.length === 0 ? [] : ['## Definition', ...first,
      inLibrary ? '*Laws: each formula gives what the code gives; the output is that of the library.*' : '*Laws: each formula gives what the code gives.*']),
    ...dependenceTable(derivation),
    ...(further.length === 0 ? [] : ['## Further letters', ...further, '*Laws: each formula gives what the code gives.*'])
  ]
}

const chainsOf = (derivation: Derivation, code: PageCode): readonly string[] => derivation.chains.flatMap(({ quantity, steps, endsInLibrary }, c) => [
  `## $${quantity}$`,
  ...steps.flatMap(({ text, formula }, s) => [
    `**${s + 1}.** ${prose(derivation, text)}`, display(marked(derivation, formula)), typescript(code.chains[c][s]),
    s === 0 ? '*Laws: the formula gives what the code gives; both equal finite differences.*' : `*Laws: the formula gives what the code gives; both equal step ${s}.*`
  ]),
  ...(endsInLibrary ? [`This is what [\`${derivation.source}\`](../../${derivation.source}) computes. *Law: equal to the library's gradient.*`] : [])
])

const claimsOf = (derivation: Derivation): readonly string[] => derivation.claims.flatMap(({ title, text, formulas = [] }) => [
  ...(title === undefined ? [] : [`## ${title}`]), prose(derivation, text), ...formulas.map(formula => display(marked(derivation, formula))),
  ...(formulas.length === 0 ? [] : ['*Law: it holds in every case.*'])
])

const pageOf = ({ key, derivation }: Page): string => {
  const { name, source, about, introduction, cost, unevaluated } = derivation
  const code = codeOf(name), used = usedPages(derivation)
  const users = all.filter(other => other.derivation.uses.includes(key))
  const reasons = Object.entries(unevaluated)
  return [
    GENERATED, `# ${titleOf(name)}`, prose(derivation, introduction),
    `${about.length === 0 ? 'About' : `The mathematics of ${about.map(name => `\`${name}\``).join(', ')} in`} [\`${source}\`](../../${source}).${used.length === 0 ? '' : ` Builds on ${used.map(linkTo).join(', ')}.`}${users.length === 0 ? '' : ` Used by ${users.map(linkTo).join(', ')}.`}`,
    ...lettersTable(derivation, text => prose(derivation, text)),
    ...definitionsOf(derivation, code), ...chainsOf(derivation, code), ...claimsOf(derivation),
    ...(cost === '' ? [] : ['## Cost', prose(derivation, cost)]),
    ...exampleIn(derivation),
    ...(code.helpers.length === 0 ? [] : ['## What the code above uses', typescript(code.helpers.join('\n\n'))]),
    ...(reasons.length === 0 ? [] : ['## † Not evaluated', reasons.map(([formula, reason]) => `- $${formula}$: ${reason}.`).join('\n')])
  ].join('\n\n')
}

/** Every page by its file name. */
export const pages = (): ReadonlyMap<string, string> => {
  const steps = all.flatMap(({ derivation: { chains } }) => chains.flatMap(chain => chain.steps)).length
  const formulas = all.flatMap(({ derivation: { places } }) => places).length
  const open = all.flatMap(({ derivation: { unevaluated } }) => Object.keys(unevaluated)).length
  const index = [
    GENERATED, '# Derivations',
    `How the gradients of Pullback are found, and why its parts are as they are, for readers who know calculus and matrices. ${all.length} pages with ${steps} steps. What you read is what the tests ran: the ${formulas} formulae on these pages, those in the text included, are read from the very LaTeX that is printed, evaluated on random cases and compared, entry by entry and axis by axis, with the code beside them, with each other, with finite differences and with the library. ${open} more are printed without being evaluated; each carries a dagger and its page says why.`,
    `Begin with ${linkTo(all[0])}. The code is written with [\`sum\`, \`vector\`, \`matrix\`, \`product\`](../../laws/derivations/notation.ts).`,
    ...chapters.flatMap(({ title, pages: list }) => [`## ${title}`, list.map(page => `- ${linkTo(page)}, of \`${page.derivation.source}\``).join('\n')])
  ].join('\n\n')
  return new Map([['README.md', `${index}\n`] as const, ...all.map(page => [`${slug(page.derivation.name)}.md`, `${pageOf(page)}\n`] as const)])
}

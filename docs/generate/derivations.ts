/**
 * The pages of the derivations as the site shows them: every formula beside its code, with what its laws found.
 */
import { existsSync } from 'node:fs'
import type { Derivation, Page } from 'pullback/laws'
import { chapters } from '../../laws/derivations/index.js'
import { printed } from '../../laws/derivations/relations.js'
import { bugs } from '../../test/zoo/bugs.js'
import { pageOf } from '../../test/zoo/pages.js'
import { codeOf, type PageCode } from '../code.js'
import { aliases, compiled, helpersOf } from '../compiled.js'
import { dependenceTable, exampleIn } from '../example.js'
import { all, linkTo, prose, slug, titleOf, usedPages } from '../pages.js'
import { formulaHtml, shapeText } from './formula.js'
import { type Measured, measuredOf, SEED } from './measured.js'
import { piecesOf } from './source.js'
import { sourcePage } from './sources.js'
import { type Suggestion, suggestionsFor } from './suggestions.js'

/** What the page needs to run the code of a step with a change in it. */
interface StepData {
  readonly code: string
  readonly suggestions: readonly Suggestion[]
}

export interface PageData {
  readonly key: string
  readonly helpers: readonly string[]
  readonly aliases: Readonly<Record<string, string>>
  readonly steps: Readonly<Record<string, StepData>>
}

const fence = (code: string, info = 'ts'): string => `\`\`\`${info}\n${code}\n\`\`\``

const attribute = (value: unknown): string => JSON.stringify(value).replace(/&/g, '&amp;').replace(/'/g, '&#39;').replace(/</g, '&lt;')

const sourceLink = (path: string, line?: number): string => `[\`${path}\`](/source/${sourcePage(path)}${line === undefined ? '' : `#L${line}`}){target="_self"}`

/** Everything that the parts of one page are made from. */
interface Context {
  readonly page: Page
  readonly derivation: Derivation
  readonly code: PageCode
  readonly measured: readonly Measured[]
  readonly steps: Readonly<Record<string, StepData>>
}

/** The laws whose names begin so, each with a short label. */
const lawsOf = ({ measured }: Context, label: (name: string) => string | undefined): string => {
  const found = measured.flatMap(({ name, worst, cases, tolerance }, i) => {
    const text = label(name)
    return text === undefined ? [] : [{ i, text, worst, cases, tolerance }]
  })
  return attribute(found)
}

const labelFor = (place: string, more: readonly string[] = []) => (name: string): string | undefined =>
  (name.startsWith(`${place}: `) ? name.slice(place.length + 2).replace(/^\\.*|^.*[\\_^].*$/s, 'the formula holds')
    : name.startsWith(`text of ${place}: `) ? 'a formula in the text holds' : more.includes(name) ? name.slice(name.indexOf(': ') + 2).replace(/^step \d+/, 'the code') : undefined)

/** Mathematics and the code of it, side by side. */
const row = (math: readonly string[], code: readonly string[]): string => [
  '<div class="pb-row"><div class="pb-math">', ...math, '</div><div class="pb-code">', ...code, '</div></div>'
].join('\n\n')

const step = (context: Context, place: string, math: readonly string[], code: string, more: readonly string[] = []): string => {
  const { page, steps } = context, editable = place in steps
  return row(math, [
    `<DerivationStep page="${page.key}" slug="${slug(page.derivation.name)}" place='${attribute(place).slice(1, -1).replace(/\\\\/g, '\\')}' :editable="${String(editable)}" :laws='${lawsOf(context, labelFor(place, more))}'>`,
    fence(code), '</DerivationStep>'
  ])
}

const wide = (context: Context, parts: readonly string[], label: (name: string) => string | undefined): string => [
  '<div class="pb-claim">', ...parts, `<LawRuns page="${context.page.key}" :laws='${lawsOf(context, label)}' />`, '</div>'
].join('\n\n')

/** Letter, shape, meaning and name in the code; the meaning is what a symbol under a formula shows. */
const lettersOf = ({ derivation }: Context): readonly string[] => {
  const { letters: { axes, letters, functions, counters } } = derivation
  const text = (meaning: string): string => prose(derivation, meaning)
  const cells = (id: string, latex: string, shape: string, meaning: string, name: string): string =>
    `| $${latex}$ | ${shape} | <span data-meaning="${id}">${meaning}</span> | ${name} |`.replace(/\\\|/g, '|').replace(/\$[^$]*\$/g, formula => formula.replace(/\|/g, '\\|'))
  const rows = [
    ...Object.entries(letters).map(([name, { latex, shape, meaning }]) => cells(name, latex, shape.length === 0 ? 'number' : `\`${shapeText(shape)}\``, text(meaning), `\`${name}\``)),
    ...Object.entries(functions).map(([name, { latex, meaning, takes, gives, parameter }]) => cells(`f-${name}`, `${latex}${parameter === undefined ? '' : `(${parameter})`}`,
      parameter === undefined ? `${takes.map(shape => (shape.length === 0 ? 'number' : `\`${shapeText(shape)}\``)).join(', ')} to ${gives.length === 0 ? 'number' : `\`${shapeText(gives)}\``}` : 'function of a number', text(meaning), `\`${name}\``)),
    ...Object.entries(axes).map(([name, { meaning, indices }]) =>
      cells(`axis-${name}`, name, 'size', `${text(meaning)}${indices.length === 0 ? '' : `; indices ${indices.map(index => `$${index}$`).join(', ')}`}`, '')),
    ...(counters.length === 0 ? [] : [`| ${counters.map(index => `$${index}$`).join(', ')} | counting | indices without an axis | |`])
  ]
  return rows.length === 0 ? [] : ['## Letters', ['| letter | shape | meaning | in the code |', '| --- | --- | --- | --- |', ...rows].join('\n')]
}

const definitionRows = (context: Context, names: readonly string[]): readonly string[] => {
  const { derivation, code } = context, { letters } = derivation.letters
  return names.flatMap(name => {
    const letter = letters[name], text = code.letters.find(([found]) => found === name)?.[1]
    const formula = letter.kind === 'defined' && letter.formula !== '' ? [formulaHtml(derivation, letter.formula)] : []
    if (text === undefined) return formula
    const math = formula.length > 0 ? formula : [`$${letter.latex}$: ${prose(derivation, letter.meaning)}. Only the code can say it.`]
    return [step(context, `definition of ${name}`, math, `const ${name} = ${text}`, [`${name}: the code = the library`])]
  })
}

const definitionsOf = (context: Context): readonly string[] => {
  const { derivation, code } = context, { letters, functions } = derivation.letters
  const names = Object.keys(letters), isGradient = (name: string): boolean => derivation.outputs.some(({ gradient }) => gradient === name)
  const end = names.findIndex(name => letters[name].kind === 'sought' || isGradient(name))
  const ofNumbers = Object.entries(functions).flatMap(([name, { latex, parameter, formula }]) => {
    const text = code.functions.find(([found]) => found === name)?.[1]
    const math = parameter === undefined || formula === '' ? [] : [formulaHtml(derivation, `${latex}(${parameter}) = ${formula}`)]
    return text === undefined ? math : [step(context, `definition of ${latex}`, math, `const ${name} = ${text}`)]
  })
  const first = [...ofNumbers, ...definitionRows(context, end < 0 ? names : names.slice(0, end))]
  const further = definitionRows(context, end < 0 ? [] : names.slice(end))
  return [
    ...(first.length === 0 ? [] : ['## Definition', ...first]), ...dependenceTable(derivation),
    ...(further.length === 0 ? [] : ['## Further letters', ...further])
  ]
}

const chainsOf = (context: Context): readonly string[] => context.derivation.chains.flatMap(({ name, quantity, steps, endsInLibrary }, c) => [
  `## $${quantity}$`,
  ...steps.map(({ text, formula }, s) => step(context, `${name}, step ${s + 1}`,
    [`**${s + 1}.** ${prose(context.derivation, text)}`, formulaHtml(context.derivation, formula)], context.code.chains[c][s],
    s === steps.length - 1 ? [`${name}: step ${steps.length} = the library`] : [])),
  ...(endsInLibrary ? [`This is what ${sourceLink(context.derivation.source)} computes.`] : [])
])

const claimsOf = (context: Context): readonly string[] => context.derivation.claims.flatMap(({ title, text, formulas = [] }, i) => [
  ...(title === undefined ? [] : [`## ${title}`]),
  wide(context, [prose(context.derivation, text), ...formulas.map(formula => formulaHtml(context.derivation, formula))], labelFor(`claim ${i + 1}`))
])

const sourceOf = ({ derivation: { source, about } }: Context): readonly string[] => {
  const pieces = piecesOf(source, about)
  return pieces.length === 0 ? [] : [
    '## In the library', `From ${sourceLink(source, pieces[0].line)}, with its line numbers:`, ...pieces.map(({ line, code }) => fence(code, `ts:line-numbers=${line}`))
  ]
}

const mistakesOf = ({ page }: Context): readonly string[] => {
  const own = bugs.filter(({ bug }) => pageOf(bug) === page.key)
  return own.length === 0 ? [] : [
    '## Planted mistakes',
    `${own.length === 1 ? 'A mistake that people make here. The tests plant it, and its law must notice.' : `${own.length} mistakes that people make here. The tests plant each of them, and its law must notice.`} Run one and see the smallest case that the law finds.`,
    ...own.map(({ bug, caughtBy, laws }) => [
      `<PlantedMistake bug='${bug.replace(/'/g, '&#39;')}' law='${caughtBy.replace(/'/g, '&#39;')}'>`, laws.find(({ name }) => name === caughtBy)?.statement ?? '', '</PlantedMistake>'
    ].join('\n\n'))
  ]
}

const daggersOf = ({ derivation: { unevaluated } }: Context): readonly string[] => {
  const reasons = Object.entries(unevaluated)
  return reasons.length === 0 ? [] : ['## Not evaluated', 'Formulae with a dagger are printed without being evaluated:',
    reasons.map(([formula, reason]) => `- $${printed(formula).replace(/\\[,;]/g, ' ').replace(/\^\*/g, '^\\ast').replace(/ +/g, ' ')}$: ${reason}`).join('\n')]
}

const widgets = new URL('../site/.vitepress/theme/lib/widgets/index.ts', import.meta.url)

/** The component of a page, where somebody made one. */
const widgetOf = async (page: string): Promise<readonly string[]> => {
  if (!existsSync(widgets)) return []
  const { widgetOf: record } = await import(widgets.href) as { readonly widgetOf: Readonly<Record<string, string>> } // the record that this file exports
  return page in record ? [`<ClientOnly><${record[page]} /></ClientOnly>`] : []
}

const stepsOf = (derivation: Derivation, code: PageCode): Readonly<Record<string, StepData>> => {
  const [helpers, alone] = helpersOf(code)
  const texts = new Map<string, string>([
    ...code.letters.map(([letter, text]) => [`definition of ${letter}`, text] as const),
    ...derivation.chains.flatMap(({ name }, c) => code.chains[c].map((text, s) => [`${name}, step ${s + 1}`, text] as const))
  ])
  const compile = (text: string) => compiled(text, helpers) ?? compiled(text, alone)
  return Object.fromEntries(derivation.functions.flatMap(({ name }) => {
    const text = texts.get(name)
    return text === undefined || compile(text) === undefined ? [] : [[name, { code: text, suggestions: suggestionsFor(derivation, text, compile) }] as const]
  }))
}

const pageText = async (context: Context): Promise<string> => {
  const { page, derivation, code, measured } = context, { name, source, about, introduction, cost } = derivation
  const used = usedPages(derivation), users = all.filter(other => other.derivation.uses.includes(page.key))
  const worst = measured.reduce((most, { cases }) => Math.max(most, cases), 0)
  const links = [
    `${about.length === 0 ? 'About' : `The mathematics of ${about.map(entry => `\`${entry}\``).join(', ')} in`} ${sourceLink(source)}.`,
    ...(used.length === 0 ? [] : [`Builds on ${used.map(linkTo).join(', ')}.`]), ...(users.length === 0 ? [] : [`Used by ${users.map(linkTo).join(', ')}.`])
  ]
  return `${[
    '---\naside: false\noutline: false\npageClass: derivation\n---', `# ${titleOf(name)}`, prose(derivation, introduction), links.join(' '),
    ...await widgetOf(slug(name)),
    `<DerivationBar page="${page.key}" :laws="${measured.length}" :cases="${worst}" :seed="${SEED}" />`,
    ...lettersOf(context), ...definitionsOf(context), ...chainsOf(context), ...claimsOf(context),
    ...(cost === '' ? [] : ['## Cost', prose(derivation, cost)]),
    ...exampleIn(derivation), ...sourceOf(context),
    ...(code.helpers.length === 0 ? [] : ['## What the code above uses', fence(code.helpers.join('\n\n'))]),
    ...mistakesOf(context), ...daggersOf(context)
  ].join('\n\n')}\n`
}

const indexPage = (): string => {
  const steps = all.flatMap(({ derivation: { chains } }) => chains.flatMap(chain => chain.steps)).length
  const formulas = all.flatMap(({ derivation: { places } }) => places).length
  const firstSentence = (derivation: Derivation): string => prose(derivation, (/^.*?[.:](?=\s|$)/.exec(derivation.introduction)?.[0] ?? derivation.introduction).replace(/:$/, '.'))
  return `${[
    '---\naside: false\noutline: false\npageClass: derivations\n---', '# Derivations',
    `How every gradient of Pullback is found: ${all.length} pages with ${steps} steps. Each of the ${formulas} formulae is read from the LaTeX that is printed, evaluated on random cases, and compared with the code beside it, with the step before it, with finite differences and with the library. You can run every law in the page, and change the steps to see a law object.`,
    `The code is written with \`sum\`, \`vector\`, \`matrix\` and \`product\`, from ${sourceLink('laws/derivations/notation.ts')}.`,
    ...chapters.flatMap(({ title, pages }) => [`## ${title}`, pages.map(({ derivation }) =>
      `- [${titleOf(derivation.name)}](./${slug(derivation.name)}.md)${derivation.about.length === 0 ? '' : ` ${derivation.about.map(entry => `\`${entry}\``).join(' ')}`}<br>${firstSentence(derivation)}`).join('\n')])
  ].join('\n\n')}\n`
}

interface Generated {
  readonly pages: ReadonlyMap<string, string>
  readonly data: ReadonlyMap<string, string>
}

export const derivationPages = async (): Promise<Generated> => {
  const made = await Promise.all(all.map(async page => {
    const { key, derivation } = page, code = codeOf(derivation.name), steps = stepsOf(derivation, code)
    const context: Context = { page, derivation, code, measured: measuredOf(page), steps }
    const data: PageData = { key, steps, aliases, helpers: [...code.functions.map(([name, text]) => `const ${name} = ${text}`), ...code.helpers] }
    return [slug(derivation.name), await pageText(context), JSON.stringify(data)] as const
  }))
  return {
    pages: new Map([['index.md', indexPage()] as const, ...made.map(([name, text]) => [`${name}.md`, text] as const)]),
    data: new Map(made.map(([name, , data]) => [`${name}.json`, data] as const))
  }
}

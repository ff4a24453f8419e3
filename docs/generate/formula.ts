/**
 * Formulae in HTML whose letters know what they are, each with a row of its symbols and their shapes.
 */
import katex from 'katex'
import type { Derivation } from 'pullback/laws'
import { scrollable } from './scrollable.js'

/** A letter, a function or an axis with its indices. */
interface Sign {
  readonly id: string
  readonly latex: string
  readonly shape: string
  readonly kind: 'letter' | 'index'
}

const WORDS = /\\(?:text|mathrm|mathbf|mathbb|operatorname|begin|end)\s*\{[^}]*\}|\\math(?:bf|bb|rm)\s+[A-Za-z0-9]|\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\s+|[\s\S]/g

const wordsOf = (formula: string): readonly string[] => formula.match(WORDS) ?? []

const keyOf = (word: string): string => (word === '{' || word === '}' ? word : word.replace(/[\s{}]/g, ''))

export const shapeText = (shape: readonly string[]): string => (shape.length === 0 ? 'number' : `[${shape.join(', ')}]`)

const signsOf = ({ letters: { axes, letters, functions } }: Derivation): readonly Sign[] => [
  ...Object.entries(letters).map(([id, { latex, shape }]): Sign => ({ id, latex, shape: shapeText(shape), kind: 'letter' })),
  ...Object.entries(functions).map(([id, { latex, takes, gives, parameter }]): Sign => ({
    id: `f-${id}`, latex, kind: 'letter', shape: parameter === undefined ? `${takes.map(shapeText).join(', ')} → ${shapeText(gives)}` : 'function of a number'
  })),
  ...Object.entries(axes).flatMap(([name, { indices }]) => [...indices, name].map((latex): Sign => ({ id: `axis-${name}`, latex, shape: latex === name ? 'size' : `over ${name}`, kind: 'index' })))
]

interface Marked {
  readonly latex: string
  readonly found: readonly Sign[]
}

/** A formula with every letter marked, together with its subscripts and superscripts. */
const mark = (formula: string, signs: readonly Sign[]): Marked => {
  const words = wordsOf(formula), found: Sign[] = []
  const parts = signs.map(sign => ({ sign, keys: wordsOf(sign.latex).map(keyOf).filter(key => key !== '') })).sort((a, b) => b.keys.length - a.keys.length)
  const blank = (at: number): number => (/^\s+$/.test(words[at] ?? '') ? blank(at + 1) : at)
  /** Where the argument ends that begins here. */
  const argumentEnd = (at: number): number => {
    if (words[at] !== '{') return at + 1
    let depth = 0, end = at
    do {
      if (words[end] === '{') depth++
      if (words[end] === '}') depth--
      end++
    } while (depth > 0 && end < words.length)
    return end
  }
  const matched = (at: number): { readonly sign: Sign, readonly end: number } | undefined => {
    for (const { sign, keys } of parts) {
      let place = at, fits = true
      for (const key of keys) {
        place = place === at ? at : blank(place)
        if (words[place] === undefined || keyOf(words[place]) !== key) {
          fits = false
          break
        }
        place++
      }
      if (fits) return { sign, end: place }
    }
    return undefined
  }
  const range = (from: number, to: number): string => {
    let text = ''
    for (let at = from; at < to;) {
      const match = matched(at)
      if (match === undefined || match.end > to) {
        text += words[at++]
        continue
      }
      found.push(match.sign)
      let inside = words.slice(at, match.end).join(''), end = match.end
      for (; ;) {
        if (words[end] === "'") {
          inside += "'"
          end++
        } else if (words[end] === '_' || words[end] === '^') {
          const start = blank(end + 1), stop = argumentEnd(start)
          // A command with arguments is no argument by itself, and a group stays one.
          inside += words[end] + range(start, stop)
          end = stop
        } else break
      }
      text += `{\\htmlData{l=${match.sign.id}}{${inside}}}`
      at = end
    }
    return text
  }
  return { latex: range(0, words.length), found }
}

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

/** KaTeX's HTML and MathML; the source in it is the formula as it is written. */
const rendered = (latex: string, original: string, displayMode: boolean): string => katex.renderToString(latex, {
  displayMode, output: 'htmlAndMathml', throwOnError: true,
  trust: ({ command }) => command === '\\htmlData', strict: code => (code === 'htmlExtension' ? 'ignore' : 'error')
}).replace(/(<annotation[^>]*>)[\s\S]*?(<\/annotation>)/, (_, open: string, close: string) => open + escaped(original) + close)

/** What a symbol is called where it is spoken. */
const spoken = ({ id, kind }: Sign, latex: string): string =>
  (kind === 'index' ? latex.replace(/\\,/g, ' ') : id.replace(/^f-/, ''))

const chip = (sign: Sign, latex: string): string => {
  const { id, shape } = sign
  return `<button type="button" class="pb-chip" data-l="${id}"><span class="visually-hidden">${escaped(spoken(sign, latex))}</span>${katex.renderToString(latex, { output: 'html', throwOnError: true })}<span class="pb-shape">${escaped(shape)}</span></button>`
}

/** The symbols of a formula: each letter once with its shape, and each axis with the indices that run over it here. */
const chips = (found: readonly Sign[]): string => {
  const letters = new Map(found.filter(({ kind }) => kind === 'letter').map(sign => [sign.id, sign] as const))
  const axes = new Map<string, readonly Sign[]>()
  for (const sign of found) {
    if (sign.kind !== 'index') continue
    const before = axes.get(sign.id) ?? []
    if (!before.some(({ latex }) => latex === sign.latex)) axes.set(sign.id, [...before, sign])
  }
  return [
    ...Array.from(letters.values(), sign => chip(sign, sign.latex)),
    ...Array.from(axes.values(), signs => {
      const indices = signs.filter(({ shape }) => shape !== 'size')
      return chip(indices[0] ?? signs[0], (indices.length === 0 ? signs : indices).map(({ latex }) => latex).join(',\\,'))
    })
  ].join('')
}

/** A displayed formula with its symbols, as one line of HTML. */
export const formulaHtml = (derivation: Derivation, formula: string): string => {
  const { latex, found } = mark(formula, signsOf(derivation))
  const dagger = formula in derivation.unevaluated ? '\\;{}^\\dagger' : ''
  const row = found.length === 0 ? '' : `<div class="pb-chips" role="group" aria-label="symbols of the formula">${chips(found)}</div>`
  return `<div v-pre class="pb-formula">${scrollable(rendered(latex + dagger, formula, true))}${row}</div>`.replace(/\n/g, ' ')
}

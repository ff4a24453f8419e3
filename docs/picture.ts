/**
 * Draws how a small GPT learns to repeat, and where it looks: npm run picture
 *
 * Its text is letters in random order, and then the same letters again. What comes after a letter can be known only when it comes
 * back, and only by looking back at what followed the first time.
 * (C. Olsson et al., *In-context Learning and Induction Heads*, 2022.)
 */
import { writeFile } from 'node:fs/promises'
import {
  adamW, crossEntropy, gpt, initGpt, initTraining, inspect, random, tensor, trainingStep, warmupCosine, withClipping, type Key
} from 'pullback'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz', SHORTEST = 5, LONGEST = 10, CONTEXT = 2 * LONGEST, BATCH = 48, STEPS = 2000
/** A target that does not count. */
const IGNORED = -100

/** Some letters in random order, twice. What to say counts once a letter has come back: before that nobody could know. */
const line = (key: Key): Readonly<Record<'input' | 'target', readonly number[]>> => {
  const [lengthKey, orderKey] = random.split(key)
  const period = random.integers([], SHORTEST, LONGEST + 1)(lengthKey).data[0]
  const half = random.permutation(LETTERS.length)(orderKey).slice(0, period)
  const ids = Array.from({ length: CONTEXT }, (_, i) => half[i % period])
  return { input: ids, target: ids.map((_, i) => (i >= period && i + 1 < 2 * period ? ids[i + 1 - period] : IGNORED)) }
}

const batch = (key: Key) => {
  const lines = random.splitMany(BATCH)(key).map(line)
  return { input: tensor.tokensOf(lines.map(({ input }) => input)), target: tensor.tokensOf(lines.map(({ target }) => target)) }
}

const model = gpt({ heads: 1 }) // one head, so that a picture shows all that a block looks at
const rate = warmupCosine({ peak: 2e-3, final: 2e-4, warmup: 100, steps: STEPS })
const optimizer = withClipping(1)(adamW({ learningRate: rate }))
const step = trainingStep({ model, loss: crossEntropy(), optimizer })
const [initKey, stepsKey] = random.split(random.key(1))

const losses: number[] = []
let trained = initTraining(optimizer, initGpt({ vocabulary: LETTERS.length, context: CONTEXT, width: 64, layers: 2 })(initKey))
for (let i = 0; i < STEPS; i++) {
  const key = random.foldIn(i)(stepsKey), next = step(trained, batch(key), key)
  losses.push(next.loss)
  trained = next
  if (i % 100 === 0) console.log(`step ${i}: loss ${next.loss.toFixed(3)}`)
}
console.log(`step ${STEPS}: loss ${losses[STEPS - 1].toFixed(3)}`)

const WORD = 'gradient'
const text = WORD + WORD, T = text.length
const attention = inspect(model, path => path.endsWith('attn.weights'))(
  trained.params, tensor.tokensOf([Array.from(text, letter => LETTERS.indexOf(letter))]))

const panels = attention.map(([, { data }], block) => ({
  title: `Attention of block ${block + 1}`, weightAt: (query: number, key: number): number => data[query * T + key]
}))

// Colours that can be read on white and on black.
const INK = '#7d8590', BLUE = '#4493f8', CELL = 15, TOP = 52, LEFT = 56, CHART = 250, SIDE = T * CELL
const round = (x: number): string => String(Math.round(x * 100) / 100)
const label = (x: number, y: number, content: string, anchor = 'middle', size = 12): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${size}">${content}</text>`

/** Means of neighbouring steps, so that the curve shows where it goes and not how batches differ. */
const WINDOW = 25
const smooth = Array.from({ length: STEPS / WINDOW }, (_, i) => losses.slice(i * WINDOW, (i + 1) * WINDOW).reduce((a, b) => a + b) / WINDOW)
const highest = Math.ceil(smooth[0])
const x = (i: number): number => LEFT + (i + 0.5) / smooth.length * CHART
const y = (loss: number): number => TOP + SIDE * (1 - loss / highest)
const chart = [
  label(LEFT + CHART / 2, 24, 'Loss in nats for a letter that comes back', 'middle', 13),
  ...Array.from({ length: highest + 1 }, (_, loss) => `<path d="M${LEFT} ${round(y(loss))}h${CHART}" stroke="${INK}" stroke-opacity=".3"/>${label(LEFT - 8, y(loss) + 4, String(loss), 'end')}`),
  ...[0, STEPS / 2, STEPS].map(at => label(LEFT + at / STEPS * CHART, TOP + SIDE + 18, at === STEPS ? `${STEPS} steps` : String(at))),
  `<path d="M${smooth.map((loss, i) => `${round(x(i))} ${round(y(loss))}`).join('L')}" fill="none" stroke="${BLUE}" stroke-width="2" stroke-linejoin="round"/>`
]

const map = (left: number, { title, weightAt }: typeof panels[number]): readonly string[] => [
  label(left + SIDE / 2, 24, title, 'middle', 13),
  ...Array.from(text, (letter, i) => label(left + (i + 0.5) * CELL, TOP - 5, letter) + label(left - 8, TOP + (i + 0.75) * CELL, letter)),
  ...Array.from({ length: T * T }, (_, i) => [Math.floor(i / T), i % T] as const).filter(([query, key]) => key <= query).map(([query, key]) =>
    `<rect x="${left + key * CELL}" y="${TOP + query * CELL}" width="${CELL - 1}" height="${CELL - 1}" rx="2" fill-opacity="${round(0.08 + 0.92 * weightAt(query, key))}"/>`)
]

const lefts = [LEFT + CHART + 70, LEFT + CHART + 70 + SIDE + 50], width = lefts[1] + SIDE + 16, height = TOP + SIDE + 28
await writeFile(new URL('attention.svg', import.meta.url), [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-sans-serif, system-ui, Helvetica, Arial, sans-serif" role="img">`,
  '<title>The loss of a small GPT while it learns to repeat, and where its blocks look</title>',
  `<g fill="${INK}">`, ...chart, '</g>',
  ...panels.flatMap((panel, i) => [`<g fill="${BLUE}">`, ...map(lefts[i], panel).map(part => part.replace(/<text /g, `<text fill="${INK}" `)), '</g>']),
  '</svg>', ''
].join('\n'))
console.log('docs/attention.svg')

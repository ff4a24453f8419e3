/**
 * The interactions, as a reader meets them: what they show is what the library says, keys move them, and they fit a phone.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { pipe } from 'fp-ts/lib/function.js'
import {
  adam, andThen, attention, block, type BlockParams, causalMask, crossEntropy, dropout, feedForward, gelu, gradientDescent, initBlock, initLayerNorm, type Layer,
  layerNorm, layerNormWith, leakyRelu, linear, masked, momentum, multiHeadAttention, named, noMask, type NoParams, noParams, type Optimizer, random, relu, sigmoid,
  silu, sinusoidalTable, softmax, softmaxWith, stack, tanh, tensor, tokenEmbedding, tree, type Tensor
} from 'pullback'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { slug } from '../pages.js'
import { chapters } from '../../laws/derivations/index.js'
import { widgetOf } from '../site/.vitepress/theme/lib/widgets/index.js'
import { openPage, openSite, type Site } from './browser.js'

const axe = readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8')

interface Violation { readonly id: string, readonly nodes: readonly { readonly target: readonly string[] }[] }

let site: Site
beforeAll(async () => { site = await openSite() })
afterAll(() => site.close())

/** An interaction of the gallery, once it is there. */
const widgetIn = async (page: Page, id: string, name: string): Promise<Locator> => {
  await page.locator(`h2#${id}`).evaluate(heading => { heading.scrollIntoView() })
  const widget = page.locator(`[data-widget="${name}"]`)
  await widget.waitFor()
  return widget
}

/** Opens the gallery, does something with one interaction, and expects that nothing went wrong meanwhile. */
const inGallery = (id: string, name: string, look: (widget: Locator, page: Page) => Promise<void>) => async (): Promise<void> => {
  const { page, problems } = await openPage(site, '/widgets.html')
  try {
    await look(await widgetIn(page, id, name), page)
    expect(problems).toEqual([])
  } finally {
    await page.context().close()
  }
}

/** The numbers behind what is shown under a name, in their order. */
const numbers = (widget: Locator, name: string): Promise<readonly number[]> =>
  widget.locator(`[data-name="${name}"]`).evaluateAll(elements => elements.flatMap(element =>
    (element.hasAttribute('data-value') ? [element] : Array.from(element.querySelectorAll('[data-value]'))).map(cell => Number(cell.getAttribute('data-value')))))

/** What a reader reads there. */
const shown = (widget: Locator, name: string): Promise<readonly string[]> =>
  widget.locator(`[data-name="${name}"]`).evaluateAll(elements => elements.map(element => element.textContent.trim()))

const points = (widget: Locator, name: string): Promise<readonly (readonly number[])[]> =>
  widget.locator(`[data-name="${name}"]`).evaluateAll(elements => elements.map(element => JSON.parse(element.getAttribute('data-value') ?? '') as number[]))

const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length)
  // Chromium and Node compute the same in double precision, up to the last digits of `exp` and `tanh`.
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value), `entry ${i}: ${actual[i]} and ${value}`).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)))
}

const matrix = (flat: readonly number[], columns: number): Tensor => tensor.fromArray([flat.length / columns, columns], flat, 'float64')
const row = (flat: readonly number[]): Tensor => tensor.of(flat, 'float64')
const flat = (t: Tensor): readonly number[] => tensor.toArray(t)
const readAs = (text: string): number => Number(text.replace('−', '-').replace(' %', ''))

/** Moves a slider by keys. */
const press = async (control: Locator, key: string, times: number): Promise<void> => {
  await control.focus()
  for (let i = 0; i < times; i++) await control.press(key)
}

describe('linear', () => {
  test('adds up to the gradient of the library, row by row', inGallery('linear', 'WidgetLinear', async widget => {
    const [X, W, b, dY] = [matrix(await numbers(widget, 'X'), 3), matrix(await numbers(widget, 'W'), 2), row(await numbers(widget, 'b')), matrix(await numbers(widget, 'dY'), 2)]
    const [Y, pullback] = linear.vjp({ weight: W, bias: b }, X)
    expectClose(await numbers(widget, 'Y'), flat(Y))

    await press(widget.locator('[data-do=back]'), 'Enter', 1)
    expectClose(await numbers(widget, 'dW'), [0, 0, 0, 0, 0, 0])
    for (let rows = 1; rows <= 4; rows++) {
      await press(widget.locator('[data-do=step]'), 'Enter', 1)
      const first = tensor.slice(0, rows)
      expectClose(await numbers(widget, 'dW'), flat(linear.vjp({ weight: W, bias: b }, first(X))[1](first(dY)).params.weight))
    }
    expectClose(await numbers(widget, 'dW'), flat(pullback(dY).params.weight))
    await expect.poll(() => widget.locator('.pb-says').last().textContent()).toContain('this is dW')
  }))

  test('shows who meets whom', inGallery('linear', 'WidgetLinear', async widget => {
    const touched = (): Promise<readonly string[]> => widget.locator('.touched, .here').evaluateAll(cells =>
      cells.map(cell => `${cell.closest('[data-name]')?.getAttribute('data-name')} ${cell.getAttribute('data-at')}`).filter(cell => /^[XWbY] /.test(cell)).sort())
    const expectTouched = (cells: readonly string[]) => expect.poll(touched).toEqual([...cells].sort())
    await widget.locator('[data-name=Y] [data-at="2,1"]').focus()
    await expectTouched(['Y 2,1', 'X 2,0', 'X 2,1', 'X 2,2', 'W 0,1', 'W 1,1', 'W 2,1', 'b 0,1'])
    await press(widget.locator('[data-name=W] [data-at="0,0"]'), 'ArrowDown', 1)
    await expectTouched(['W 1,0', 'X 0,1', 'X 1,1', 'X 2,1', 'X 3,1', 'Y 0,0', 'Y 1,0', 'Y 2,0', 'Y 3,0'])
    await widget.locator('[data-name=Y] [data-at="3,0"]').hover()
    await expectTouched(['Y 3,0', 'X 3,0', 'X 3,1', 'X 3,2', 'W 0,0', 'W 1,0', 'W 2,0', 'b 0,0'])
  }))

  test('plays by itself', inGallery('linear', 'WidgetLinear', async widget => {
    await widget.locator('[data-do=play]').click()
    await expect.poll(() => widget.locator('.pb-says').last().textContent(), { timeout: 15_000 }).toContain('this is dW')
  }))
})

describe('softmax', () => {
  const state = async (widget: Locator) => {
    const attribute = (name: string) => widget.locator(`[${name}]`).evaluateAll((all, key) => all.map(element => Number(element.getAttribute(key))), name)
    return { scores: await attribute('data-score'), probabilities: await attribute('data-probability'), jacobian: await numbers(widget, 'jacobian'), sums: await numbers(widget, 'sum') }
  }
  const expectLibrary = ({ scores, probabilities, jacobian }: Awaited<ReturnType<typeof state>>, temperature: number): void => {
    const [y, pullback] = softmaxWith(temperature).vjp(noParams, row(scores))
    expectClose(probabilities, flat(y))
    expectClose(jacobian, scores.flatMap((_, j) => flat(pullback(row(scores.map((_score, i) => Number(i === j)))).input)))
  }

  test('shows the Jacobian of the library, which keys change', inGallery('softmax', 'WidgetSoftmax', async widget => {
    const before = await state(widget)
    expectLibrary(before, 1)
    await press(widget.getByRole('slider', { name: 'Score 2' }), 'ArrowUp', 7)
    await press(widget.getByLabel('temperature'), 'ArrowRight', 5)
    const after = await state(widget)
    expect(after.scores[2]).toBeCloseTo(before.scores[2] + 0.7, 10)
    expectLibrary(after, 1.5)
    expect((await shown(widget, 'jacobian')).map(readAs)).toEqual(after.jacobian.map(entry => Number(entry.toFixed(2)) + 0))
  }))

  test('does not move when all scores are shifted', inGallery('softmax', 'WidgetSoftmax', async widget => {
    const before = await state(widget)
    await press(widget.getByLabel('shift all'), 'ArrowRight', 13)
    const after = await state(widget)
    expectClose(after.scores, before.scores.map(score => score + 1.3))
    expectClose(after.probabilities, before.probabilities)
    expectClose(after.jacobian, before.jacobian)
    expect(await shown(widget, 'sum')).toEqual(['0.00', '0.00', '0.00', '0.00'])
    expectClose(after.sums, [0, 0, 0, 0])
  }))

  test('is dragged', inGallery('softmax', 'WidgetSoftmax', async (widget, page) => {
    const before = await state(widget), handle = widget.getByRole('slider', { name: 'Score 0' })
    await handle.scrollIntoViewIfNeeded()
    const box = await handle.boundingBox()
    if (box === null) throw new Error('no handle')
    const x = box.x + box.width / 2, y = box.y + box.height / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y - 24, { steps: 3 })
    await page.mouse.up()
    const after = await state(widget)
    expect(after.scores[0]).toBeGreaterThan(before.scores[0] + 0.5)
    expect(after.probabilities[0]).toBeGreaterThan(before.probabilities[0])
    expectLibrary(after, 1)
  }))
})

describe('layer norm', () => {
  const params = initLayerNorm(3, { precision: 'float64' })(random.key(0))
  const expectLibrary = async (widget: Locator, epsilon: number): Promise<void> => {
    const [y, pullback] = layerNormWith(epsilon).vjp(params, row(await numbers(widget, 'x')))
    expectClose(await numbers(widget, 'x̂'), flat(y))
    expectClose(await numbers(widget, 'dx'), flat(pullback(row(await numbers(widget, 'dy'))).input))
  }
  const survivors = (widget: Locator): Promise<readonly string[]> => widget.locator('.part p span:last-child').allTextContents()

  test('shows the gradient of the library, which keys change', inGallery('layer-norm', 'WidgetLayerNorm', async widget => {
    await expectLibrary(widget, 1e-5)
    const before = [await numbers(widget, 'x'), await numbers(widget, 'dy')]
    await press(widget.getByRole('slider', { name: 'The row x' }), 'ArrowUp', 4)
    await press(widget.getByRole('slider', { name: 'The gradient dy' }), 'ArrowLeft', 6)
    expect(await numbers(widget, 'x')).not.toEqual(before[0])
    expect(await numbers(widget, 'dy')).not.toEqual(before[1])
    await expectLibrary(widget, 1e-5)
    expect(await survivors(widget)).toEqual(['0 % survives', '0 % survives', '100 % survives'])
  }))

  test('lets through what ε does', inGallery('layer-norm', 'WidgetLayerNorm', async widget => {
    await press(widget.getByLabel('spread'), 'Home', 1)
    await expectLibrary(widget, 1e-5)
    const x = await numbers(widget, 'x'), mean = (x[0] + x[1] + x[2]) / 3
    const variance = x.reduce((sum, entry) => sum + (entry - mean) ** 2, 0) / 3, share = 1e-5 / (variance + 1e-5)
    expect(share).toBeGreaterThan(0.9)
    expect(await survivors(widget)).toEqual(['0 % survives', `${(100 * share).toFixed(0)} % survives`, '100 % survives'])
    await press(widget.getByLabel('ε'), 'ArrowRight', 2)
    await expectLibrary(widget, 1e-4)
  }))

  test('turns by keys and changes no number', inGallery('layer-norm', 'WidgetLayerNorm', async widget => {
    const disc = widget.locator('.disc'), before = [await disc.getAttribute('d'), await numbers(widget, 'dx')]
    await press(widget.getByRole('slider', { name: 'Turn the picture' }), 'ArrowUp', 3)
    expect(await disc.getAttribute('d')).not.toBe(before[0])
    expect(await numbers(widget, 'dx')).toEqual(before[1])
  }))
})

describe('attention', () => {
  const KEYS = [[-1.6, 1], [1.4, 1.3], [1.7, -0.7], [-0.2, -1.6], [-1.7, -0.6]], VALUES = [[-1.5, -0.9], [-0.9, 1.4], [1.5, 1.2], [1.6, -1], [0.2, -1.7]]
  const queryOf = async (widget: Locator): Promise<readonly number[]> =>
    ((await widget.getByRole('slider', { name: 'The query', exact: true }).getAttribute('aria-valuetext')) ?? '').split(', ').map(readAs)
  const expectLibrary = async (widget: Locator, masked: boolean, position: number): Promise<void> => {
    const query = await queryOf(widget), input = { query: tensor.of(KEYS.map(() => query), 'float64'), key: tensor.of(KEYS, 'float64'), value: tensor.of(VALUES, 'float64') }
    const [y, pullback] = attention(masked ? causalMask : noMask).vjp(noParams, input)
    const at = (t: Tensor, t0: number): readonly number[] => flat(t).slice(2 * t0, 2 * t0 + 2)
    const gradient = pullback(tensor.of(KEYS.map((_, t) => (t === position ? [0.8, 0.4] : [0, 0])), 'float64')).input
    expectClose((await points(widget, 'output')).flat(), at(y, position))
    expectClose((await points(widget, 'dQuery')).flat(), at(gradient.query, position))
    const seen = masked ? position + 1 : 5
    expectClose((await points(widget, 'dValue')).flat(), flat(gradient.value).slice(0, 2 * seen))
  }

  test('shows output and gradients of the library, with and without the mask', inGallery('attention', 'WidgetAttention', async widget => {
    await widget.getByLabel('gradients').check()
    await expectLibrary(widget, false, 2)
    const before = await queryOf(widget)
    await press(widget.getByRole('slider', { name: 'The query', exact: true }), 'ArrowLeft', 5)
    expect((await queryOf(widget))[0]).toBeCloseTo(before[0] - 0.5, 6)
    await expectLibrary(widget, false, 2)
    await widget.getByLabel('causal mask').check()
    await expectLibrary(widget, true, 2)
    expect((await numbers(widget, 'weight')).slice(3)).toEqual([0, 0])
    await press(widget.getByLabel('position'), 'ArrowLeft', 2)
    await expectLibrary(widget, true, 0)
    expect(await numbers(widget, 'weight')).toEqual([1, 0, 0, 0, 0])
  }))

  test('decides too soon without √d, and not with it', inGallery('attention', 'WidgetAttentionWidth', async widget => {
    const slider = widget.getByLabel('width d')
    await press(slider, 'Home', 1)
    const narrow = await numbers(widget, 'largest')
    await press(slider, 'End', 1)
    const wide = await numbers(widget, 'largest')
    expect(wide[0]).toBeGreaterThan(0.9)
    expect(wide[0]).toBeGreaterThan(narrow[0] + 0.4)
    // Scores of deviation 1: the largest of 16 weights is about a quarter at every width.
    expect(Math.abs(wide[1] - narrow[1])).toBeLessThan(0.06)
  }))
})

describe('andThen', () => {
  const setSizes = async (widget: Locator, sizes: readonly (readonly [string, number])[]): Promise<void> => {
    for (const [label, size] of sizes) {
      await press(widget.getByLabel(label, { exact: true }), 'Home', 1)
      await press(widget.getByLabel(label, { exact: true }), 'ArrowRight', size - 1)
    }
  }

  test('both bracketings give one gradient, at different prices', inGallery('and-then', 'WidgetAndThen', async widget => {
    await setSizes(widget, [['entries of x', 2], ['of y', 6], ['of z', 4]])
    const first = await numbers(widget, 'dx')
    expect(await shown(widget, 'cost')).toEqual(['36', '56']) // 4·6 + 6·2 and 4·6·2 + 4·2
    await press(widget.getByRole('radio', { name: 'dz · (J₂ · J₁)' }), 'Space', 1)
    expect(await numbers(widget, 'dx')).toEqual(first)
    expect(await widget.locator('.pb-says').textContent()).toContain('andThen gives the same dx.')
    expect(await widget.locator('.pb-says').textContent()).toContain('56 multiplications')
    const whole = (rows: number, columns: number, seed: number): Tensor => matrix(tensor.toArray(random.integers([rows, columns], -2, 3)(random.key(seed))), columns)
    const [, pullback] = pipe(linear, named('f'), andThen('g', linear)).vjp({
      f: { weight: tensor.transpose(whole(6, 2, 3)), bias: row([0, 0, 0, 0, 0, 0]) }, g: { weight: tensor.transpose(whole(4, 6, 5)), bias: row([0, 0, 0, 0]) }
    }, matrix([0, 0], 2))
    expectClose(first, flat(pullback(whole(1, 4, 1)).input))
  }))

  test('the wrong order refuses to fit, and says where', inGallery('and-then', 'WidgetAndThen', async widget => {
    await widget.getByRole('radio', { name: '(dz · J₁) · J₂' }).check()
    await expect.poll(() => widget.locator('.pb-fails').textContent()).toContain('between dz and J₁, 3 columns meet 4 rows')
    expect(await widget.locator('[data-name=dx]').count()).toBe(0)
    await setSizes(widget, [['of z', 4]])
    await expect.poll(() => widget.locator('.pb-fails').textContent()).toContain('between dz J₁ and J₂, 5 columns meet 4 rows')
    await setSizes(widget, [['entries of x', 4]])
    await expect.poll(() => widget.locator('.pb-fails').textContent()).toContain('happen to fit, and the result is wrong')
  }))
})

describe('tied parameters', () => {
  /** ½ (b tanh(1.2 a) − 1.4)² by hand. */
  const gradientOf = (a: number, b: number): readonly [number, number] => {
    const y = Math.tanh(1.2 * a), error = b * y - 1.4
    return [error * b * (1 - y * y) * 1.2, error * y]
  }
  const pointOf = async (widget: Locator): Promise<readonly number[]> =>
    ((await widget.getByRole('slider', { name: 'The parameters' }).getAttribute('aria-valuetext')) ?? '').split(', ').map(part => readAs(part.slice(4)))

  test('the gradient of one parameter is the sum of two', inGallery('tied', 'WidgetTied', async widget => {
    await press(widget.getByRole('slider', { name: 'The parameters' }), 'ArrowUp', 3)
    const [a, b] = await pointOf(widget), [u, w] = gradientOf(a, b)
    expect(a).toBe(b)
    expectClose(await numbers(widget, 'u'), [u])
    expectClose(await numbers(widget, 'w'), [w])
    expectClose(await numbers(widget, 'tied'), [u + w])
    const [before] = await numbers(widget, 'loss')
    await widget.locator('[data-do=step]').click()
    const moved = await pointOf(widget)
    expect(moved[0]).toBe(moved[1])
    expect((await numbers(widget, 'loss'))[0]).toBeLessThan(before)
  }))

  test('apart, a step leaves the diagonal', inGallery('tied', 'WidgetTied', async widget => {
    await widget.getByLabel('tied').uncheck()
    const [a, b] = await pointOf(widget), [u, w] = gradientOf(a, b)
    await widget.locator('[data-do=step]').click()
    const moved = await pointOf(widget)
    expect(moved[0]).toBeCloseTo(a - 0.2 * u, 2)
    expect(moved[1]).toBeCloseTo(b - 0.2 * w, 2)
    expect(moved[0]).not.toBe(moved[1])
    await press(widget.getByRole('slider', { name: 'The parameters' }), 'ArrowRight', 2)
    expect((await pointOf(widget))[1]).toBe(moved[1])
  }))
})

describe('cross-entropy', () => {
  const expectLibrary = async (widget: Locator, target: number): Promise<void> => {
    const logits = tensor.of([await numbers(widget, 'logit')], 'float64'), targets = tensor.tokensOf([target])
    expectClose(await numbers(widget, 'gradient'), flat(crossEntropy().gradient(logits, targets)))
    expectClose(await numbers(widget, 'loss'), [crossEntropy().forward(logits, targets)])
  }

  test('shows loss and gradient of the library for every target', inGallery('cross-entropy', 'WidgetCrossEntropy', async widget => {
    await expectLibrary(widget, 0)
    await press(widget.getByRole('slider', { name: 'Logit 3' }), 'ArrowUp', 12)
    for (const target of [1, 4, 3]) {
      await widget.getByLabel(String(target), { exact: true }).check()
      await expectLibrary(widget, target)
    }
    const [before] = await numbers(widget, 'loss')
    await widget.locator('[data-do=step]').click()
    await expectLibrary(widget, 3)
    expect((await numbers(widget, 'loss'))[0]).toBeLessThan(before)
    expect((await shown(widget, 'gradient')).map(readAs)).toEqual((await numbers(widget, 'gradient')).map(g => Number(g.toFixed(2)) + 0))
  }))

  test('an ignored target teaches nothing', inGallery('cross-entropy', 'WidgetCrossEntropy', async widget => {
    await widget.getByLabel('ignored').check()
    await expectLibrary(widget, -100)
    expect(await shown(widget, 'gradient')).toEqual(['0.00', '0.00', '0.00', '0.00', '0.00'])
    expect(await shown(widget, 'loss')).toEqual(['0.000'])
  }))
})

describe('dropout', () => {
  test('lays one mask over x and dy, and its mean is x', inGallery('dropout', 'WidgetDropout', async widget => {
    const x = await numbers(widget, 'x'), dy = await numbers(widget, 'dy')
    const expectLibrary = async (rate: number, key: number): Promise<void> => {
      const [y, pullback] = dropout(rate, random.foldIn(key)(random.key(7))).vjp(noParams, row(x))
      expectClose(await numbers(widget, 'y'), flat(y))
      expectClose(await numbers(widget, 'dx'), flat(pullback(row(dy)).input))
    }
    await expectLibrary(0.3, 0)
    await press(widget.locator('[data-do=key]'), 'Enter', 2)
    await press(widget.getByLabel('rate p'), 'ArrowRight', 4)
    await expectLibrary(0.5, 2)
    const y = await numbers(widget, 'y'), dx = await numbers(widget, 'dx')
    expect(dx.map(d => d === 0)).toEqual(y.map(d => d === 0))
    // The mean of 2000 draws of a number that varies by |x| is within 5 |x|/√2000 of it, up to one case in a million.
    for (const [i, mean] of (await numbers(widget, 'mean')).entries()) expect(Math.abs(mean - x[i])).toBeLessThan(5 * Math.abs(x[i]) / Math.sqrt(2000))
  }))
})

describe('embedding', () => {
  test('adds the gradients of a repeated word', inGallery('embedding', 'WidgetEmbedding', async widget => {
    const input = widget.getByLabel('A short sentence')
    await input.fill('Red, red rose! A cat, a red cat')
    const dy = matrix(await numbers(widget, 'dy'), 2), ids = [3, 3, 4, 0, 1, 0, 3, 1] // the table begins with a, cat, the
    const [, pullback] = tokenEmbedding.vjp({ weight: matrix(Array.from({ length: 10 }, () => 0), 2) }, tensor.tokensOf(ids))
    const dW = await numbers(widget, 'dW')
    expectClose(dW, flat(pullback(dy).params.weight))
    expect(dW.slice(4, 6)).toEqual([0, 0])
    await widget.getByRole('group', { name: 'Row 3, red' }).focus()
    expect(await widget.locator('.pb-says').textContent()).toContain('“red” stands at 3 positions')
    expect(await widget.locator('.fall:not(.dim)').count()).toBe(3)
    await input.fill('')
    expect(await widget.locator('.pb-says').textContent()).toContain('every row of dW is 0')
    await input.fill('one two three four five six seven')
    expect(await widget.locator('.pb-says').textContent()).toContain('the rest is not read')
  }))
})

describe('transformer block', () => {
  const draw = (seed: number): Tensor => random.normal([6, 16], { precision: 'float64' })(random.key(seed))
  const model = block({ heads: 2, mask: causalMask })
  const paramsOf = (deviation: number, index: number): BlockParams =>
    tree.map(t => (t.shape.length < 2 ? t : tensor.scale(deviation / 0.02)(t)))(initBlock({ width: 16, layers: 1 }, { precision: 'float64' })(random.foldIn(index)(random.key(3))))

  test('the four paths add up to the gradient of the library', inGallery('block', 'WidgetBlock', async widget => {
    const slider = widget.getByLabel('deviation')
    for (const [moves, deviation] of [[0, 0.15], [8, 0.23]]) {
      await press(slider, 'ArrowRight', moves)
      const [dx] = await numbers(widget, 'dx'), [difference] = await numbers(widget, 'difference')
      expectClose([dx], [tensor.norm(model.vjp(paramsOf(deviation, 0), draw(1))[1](draw(2)).input)])
      expect(difference).toBeLessThan(1e-12 * dx)
    }
    expectClose(await numbers(widget, 'identity'), [tensor.norm(draw(2))])
    await press(widget.getByRole('radio', { name: 'identity' }), 'ArrowDown', 1)
    expect(await widget.getByRole('radio', { name: 'feed-forward' }).isChecked()).toBe(true)
    expect(await widget.locator('.pb-says').textContent()).toContain('Through the feed-forward network, then past attention.')
  }))

  test('many blocks keep the gradient with the residual and lose it without', inGallery('block', 'WidgetBlockStack', async widget => {
    await press(widget.getByLabel('blocks L'), 'End', 1)
    const attend = pipe(layerNorm, named('ln_1'), andThen('attn', multiHeadAttention(2, causalMask)))
    const think = pipe(layerNorm, named('ln_2'), andThen('mlp', feedForward))
    const kept = await numbers(widget, 'kept'), plain = await numbers(widget, 'plain')
    expect([kept.length, plain.length]).toEqual([25, 25])
    expect(kept[0]).toBe(plain[0])
    const params = Array.from({ length: 24 }, (_, index) => paramsOf(0.15, index))
    expectClose([kept[24]], [tensor.norm(stack(model).vjp(params, draw(1))[1](draw(2)).input)])
    expect(kept[24]).toBeGreaterThan(0.1 * kept[0])
    expectClose([plain[24]], [tensor.norm(stack(pipe(attend, andThen(think))).vjp(params, draw(1))[1](draw(2)).input)])
    expect(plain[24]).toBeLessThan(0.01 * plain[0])
  }))
})

describe('activations', () => {
  test('show value and slope of the library', inGallery('activation', 'WidgetActivation', async widget => {
    const layers: readonly (readonly [string, Layer<NoParams, Tensor, Tensor>])[] = [['relu', relu], ['leakyRelu', leakyRelu(0.1)], ['gelu', gelu], ['silu', silu], ['sigmoid', sigmoid], ['tanh', tanh]]
    await press(widget.getByRole('slider', { name: 'x', exact: true }), 'ArrowLeft', 21)
    for (const [name, layer] of layers) {
      await widget.getByLabel('function').selectOption(name)
      const [y, pullback] = layer.vjp(noParams, row([-1.3]))
      await expect.poll(async () => (await widget.locator('.pb-picture').last().getAttribute('aria-label'))?.startsWith(`The slope of ${name} at −1.30`)).toBe(true)
      expectClose(await numbers(widget, 'value'), flat(y))
      expectClose(await numbers(widget, 'slope'), flat(pullback(row([1])).input))
    }
  }))
})

describe('masks', () => {
  test('hide scores, and let no gradient through', inGallery('mask', 'WidgetMask', async widget => {
    const scores = await numbers(widget, 'scores'), before = [await numbers(widget, 'weights'), await numbers(widget, 'dx')]
    const [y] = pipe(masked(causalMask), andThen(softmax)).vjp(noParams, matrix(scores, 5))
    expectClose(before[0], flat(y))
    for (let t = 0; t < 5; t++) for (let s = t + 1; s < 5; s++) expect([before[0][5 * t + s], before[1][5 * t + s]]).toEqual([0, 0])
    for (let t = 0; t < 5; t++) expect(Math.abs(before[1].slice(5 * t, 5 * t + 5).reduce((a, b) => a + b, 0))).toBeLessThan(1e-12)
    await widget.getByLabel('write NaN').check()
    await expect.poll(() => widget.locator('[data-name=scores]').textContent()).toContain('NaN')
    expect([await numbers(widget, 'weights'), await numbers(widget, 'dx')]).toEqual(before)
    await press(widget.getByLabel('length without padding'), 'Home', 1)
    await expect.poll(() => numbers(widget, 'weights')).toEqual(scores.map(() => 0))
    expect(await widget.locator('.pb-says').textContent()).toContain('Nothing is visible')
  }))
})

describe('positions', () => {
  test('are as alike as the table of the library says', inGallery('positions', 'WidgetPositions', async widget => {
    await press(widget.getByLabel('position', { exact: true }), 'ArrowRight', 3)
    const rows = tensor.toNested(sinusoidalTable(48, 32, 'float64')) as number[][] // a tensor with two axes is rows of numbers
    expectClose(await numbers(widget, 'likeness'), rows.map(other => tensor.dot(row(other))(row(rows[15]))))
  }))
})

describe('optimisers', () => {
  test('walk as those of the library do', inGallery('optimisers', 'WidgetAdam', async widget => {
    await press(widget.getByLabel('steps', { exact: true }), 'ArrowRight', 5)
    const walked = (optimizer: Optimizer<string>): readonly number[] => {
      let params = row([-3.4, 1.5]), state = optimizer.init(params)
      for (let step = 0; step < 25; step++) {
        const next = optimizer.step(params, tensor.multiply(row([1 / 16, 1]))(params), state)
        params = next.params
        state = next.state
      }
      return flat(params)
    }
    await expect.poll(() => widget.locator('.pb-says').textContent()).toContain('After 25 steps')
    expectClose((await points(widget, 'gradient descent')).flat(), walked(gradientDescent({ learningRate: 0.9 })))
    expectClose((await points(widget, 'momentum')).flat(), walked(momentum({ learningRate: 0.225 })))
    expectClose((await points(widget, 'Adam')).flat(), walked(adam({ learningRate: 0.225 })))
  }))
})

describe('all of them', () => {
  test('belong to pages that there are, and have components', () => {
    const slugs = chapters.flatMap(({ pages }) => pages.map(({ derivation: { name } }) => slug(name)))
    const components = readdirSync(fileURLToPath(new URL('../site/.vitepress/theme/components/widgets/', import.meta.url)))
    for (const [page, component] of Object.entries(widgetOf)) {
      expect(slugs).toContain(page)
      expect(components).toContain(`${component}.vue`)
    }
  })

  test.each(['light', 'dark'] as const)('fit a phone, are accessible and weigh little, %s', async colorScheme => {
    const scripts = new Map<string, number>()
    const { page, problems } = await openPage(site, '/widgets.html', { viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true, bypassCSP: true }, opened => {
      opened.on('response', response => {
        if (/\.js$/.test(response.url())) void response.body().then(body => { scripts.set(response.url(), gzipSync(body).length) }, () => undefined)
      })
    })
    const ids = await page.locator('.vp-doc h2').evaluateAll(headings => headings.map(heading => heading.id))
    for (const id of ids) {
      await page.locator(`h2#${id}`).evaluate(heading => { heading.scrollIntoView() })
      await page.locator(`h2#${id} ~ div [data-widget]`).first().waitFor()
    }
    await expect.poll(() => page.locator('[data-widget]').count()).toBe(ids.length + 2) // two are in two parts
    // What is cut off at the right would not widen the page, so every part is measured.
    const outside = await page.locator('[data-widget] *').evaluateAll(parts => parts
      .filter(part => part.getBoundingClientRect().right > innerWidth || part.getBoundingClientRect().left < 0).map(part => part.outerHTML.slice(0, 120)))
    expect(outside).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    await page.evaluate(axe)
    const violations = await page.evaluate(async () => (await (window as unknown as { axe: { run: (what: string) => Promise<{ violations: readonly Violation[] }> } }).axe.run('.vp-doc')).violations) // what the script defines
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)).toEqual([])
    expect(problems).toEqual([])
    // All of them together stay below what one page may load.
    expect(Array.from(scripts.values()).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(200_000)
    await page.context().close()
  })
})

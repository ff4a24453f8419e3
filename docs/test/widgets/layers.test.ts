/**
 * The interactions of layers: what they show is what the library says, and keys move them.
 */
import {
  dropout, gelu, initLayerNorm, type Layer, layerNormWith, leakyRelu, linear, type NoParams, noParams, random, relu, sigmoid, silu, softmaxWith,
  tanh, tensor, tokenEmbedding, type Tensor
} from 'pullback'
import type { Locator } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectClose, flat, matrix, numbers, openGallery, press, readAs, row, shown } from './tools.js'

const inGallery = openGallery()

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

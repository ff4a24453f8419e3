/**
 * The interactions of composition, losses and optimisers.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  adam, andThen, crossEntropy, gradientDescent, linear, momentum, named, type Optimizer, random, tensor, type Tensor
} from 'pullback'
import type { Locator } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectClose, flat, matrix, numbers, openGallery, points, press, readAs, row, shown } from './tools.js'

const inGallery = openGallery()

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

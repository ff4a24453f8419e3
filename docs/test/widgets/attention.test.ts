/**
 * The interactions of attention and of what is around it.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, attention, block, type BlockParams, causalMask, feedForward, initBlock, layerNorm, masked, multiHeadAttention, named, noMask, noParams, random,
  sinusoidalTable, softmax, stack, tensor, tree, type Tensor
} from 'pullback'
import type { Locator } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectClose, flat, matrix, numbers, openGallery, points, press, readAs, row } from './tools.js'

const inGallery = openGallery()

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

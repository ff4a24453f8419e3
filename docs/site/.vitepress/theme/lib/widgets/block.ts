/**
 * A transformer block taken apart: the four paths of its gradient, and what many blocks make of one.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, block, type BlockParams, causalMask, feedForward, initBlock, layerNorm, multiHeadAttention, named, random, residual, tensor, tree, type Tensor
} from 'pullback'

const WIDTH = 16, TIME = 6, HEADS = 2

/** What each branch adds to the residual stream. */
const attend = pipe(layerNorm, named('ln_1'), andThen('attn', multiHeadAttention(HEADS, causalMask)))
const think = pipe(layerNorm, named('ln_2'), andThen('mlp', feedForward))
const whole = block({ heads: HEADS, mask: causalMask })

/** The library's matrices begin with the deviation 0.02; these are stretched to another, and keep their draws. */
const paramsOf = (deviation: number, index: number): BlockParams => {
  const initial = initBlock({ width: WIDTH, layers: 1 }, { precision: 'float64' })(random.foldIn(index)(random.key(3)))
  return tree.map(t => (t.shape.length < 2 ? t : tensor.scale(deviation / 0.02)(t)))(initial)
}

const draw = (seed: number): Tensor => random.normal([TIME, WIDTH], { precision: 'float64' })(random.key(seed))

export type Path = 'identity' | 'attention' | 'feedForward' | 'both'

/**
 * The block is x' = x + attend(x), y = x' + think(x'). So dy comes back to x on four paths, whose sum is dx:
 * through neither branch, through one of them, or through both.
 */
export const pathsAt = (deviation: number) => {
  const params = paramsOf(deviation, 0), x = draw(1), dy = draw(2)
  const [added, pullAttention] = attend.vjp(params, x)
  const [, pullThinking] = think.vjp(params, tensor.add(added)(x))
  const throughThinking = pullThinking(dy).input
  const parts = {
    identity: dy, feedForward: throughThinking, attention: pullAttention(dy).input, both: pullAttention(throughThinking).input
  }
  const sum = Object.values(parts).reduce((total, part) => tensor.add(part)(total), tensor.zerosLike(dy))
  const dx = whole.vjp(params, x)[1](dy).input
  const norms: Readonly<Record<Path, number>> = {
    identity: tensor.norm(parts.identity), attention: tensor.norm(parts.attention), feedForward: tensor.norm(parts.feedForward), both: tensor.norm(parts.both)
  }
  return { norms, dx: tensor.norm(dx), difference: tensor.norm(tensor.subtract(dx)(sum)) }
}

/** The norm of the gradient behind every block, from the last (dy itself) to the input of the first. */
export const normsByDepth = (blocks: number, deviation: number, withResidual: boolean): readonly number[] => {
  const joined = withResidual ? pipe(residual(attend), andThen(residual(think))) : pipe(attend, andThen(think))
  const pullbacks: ((dy: Tensor) => Tensor)[] = []
  let x = draw(1)
  for (let index = 0; index < blocks; index++) {
    const [y, pullback] = joined.vjp(paramsOf(deviation, index), x)
    pullbacks.push(dy => pullback(dy).input)
    x = y
  }
  const norms = [tensor.norm(draw(2))]
  pullbacks.reduceRight((dy, pullback) => {
    const dx = pullback(dy)
    norms.push(tensor.norm(dx))
    return dx
  }, draw(2))
  return norms
}

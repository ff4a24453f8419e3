/**
 * The gradient on its way back through a GPT.
 *
 * A probe is a place where δ = 0 is added: the gradient of δ is the gradient with respect to the activation there. So the same model with
 * probes in it shows in one pass what reaches each place, beside the gradients of its parameters.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  andThen, andThenTied, causalMask, crossEntropy, feedForward, layerNorm, learnedPositions, lossAndGradient, multiHeadAttention, named, probe, residual, stack,
  tensor, tokenEmbedding, tree, unembedding, type Example, type GptParams, type Tensor, type Tokens
} from 'pullback'

/** Half a block: the sum $y = x + f(x)$, whose gradient is $dx = dy + f^*dy$. */
export interface Half {
  readonly block: number
  readonly part: 'attention' | 'feed-forward'
  /** The norm of dy, which goes straight on. */
  readonly straight: number
  /** The norm of what comes back through f. */
  readonly through: number
  /** The norm of their sum dx. */
  readonly out: number
}

export interface Flow {
  /** From the last half to the first, as the gradient meets them. */
  readonly halves: readonly Half[]
  /** The norm of the gradient of each parameter, by path. */
  readonly parameters: readonly (readonly [path: string, norm: number])[]
}

const probedBlock = (heads: number) => pipe(
  probe, named('at_attention'),
  andThen(residual(pipe(
    probe, named('into_attention'),
    andThen('ln_1', layerNorm),
    andThen('attn', multiHeadAttention(heads, causalMask))))),
  andThen('at_network', probe),
  andThen(residual(pipe(
    probe, named('into_network'),
    andThen('ln_2', layerNorm),
    andThen('mlp', feedForward)))))

const probedGpt = (heads: number) => pipe(
  tokenEmbedding, named('wte'),
  andThen('wpe', learnedPositions),
  andThen('h', stack(probedBlock(heads))),
  andThen('at_end', probe),
  andThen('ln_f', layerNorm),
  andThenTied('wte', unembedding))

/** The gradient of the loss of a batch, with that at each probe. */
export const probedGradient = (heads: number, params: GptParams, example: Example<Tokens, Tokens>) => {
  const nothing = tensor.zeros([...example.input.shape, params.wte.weight.shape[1]])
  const h = params.h.map(block => ({ ...block, at_attention: nothing, into_attention: nothing, at_network: nothing, into_network: nothing }))
  return lossAndGradient(probedGpt(heads), crossEntropy())({ ...params, h, at_end: nothing }, example).gradient
}

const PROBES = /(^|\.)(at|into)_\w+$/

export const backwardFlow = (heads: number, params: GptParams, example: Example<Tokens, Tokens>): Flow => {
  const gradient = probedGradient(heads, params, example), norm = (x: Tensor): number => tensor.norm(x)
  const halves = gradient.h.flatMap((here, block): readonly Half[] => {
    const above = gradient.h[block + 1]
    return [
      { block, part: 'attention', straight: norm(here.at_network), through: norm(here.into_attention), out: norm(here.at_attention) },
      { block, part: 'feed-forward', straight: norm(above === undefined ? gradient.at_end : above.at_attention), through: norm(here.into_network), out: norm(here.at_network) }
    ]
  })
  return {
    halves: [...halves].reverse(),
    parameters: tree.flatten(gradient).filter(([path]) => !PROBES.test(path)).map(([path, leaf]) => [path, norm(leaf)])
  }
}

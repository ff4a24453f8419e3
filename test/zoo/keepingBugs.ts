import fc from 'fast-check'
import {
  adam, decoding, deferred, gpt, initGpt, linear, meanSquaredError, parameterless, random, categoricalSampler, softmax, tensor,
  type Decoder, type GptParams, type Layer, type LinearParams, type Loss, type NoParams, type Optimizer, type Reading, type Sampler, type Tensor
} from 'pullback'
import { arbitrary, laws } from 'pullback/laws'
import { trusted } from '../../src/memory/trust.js'
import type { Bug } from './bug.js'

const a = random.normal([3, 4])(random.key(1)), b = random.normal([4, 4])(random.key(2))
const points = { params: fc.constant({}), input: arbitrary.tensorOf([3, 4]) }
const linearPoints = { params: arbitrary.treeOf({ weight: [4, 4], bias: [4] }), input: arbitrary.tensorOf([3, 4]) }

/** Layers that keep something, wrongly said to be among those which do not. */
const lazyConstant = (): Layer<NoParams, Tensor, Tensor> => {
  let table: Tensor | undefined
  return trusted(parameterless((x: Tensor) => tensor.add(table ??= tensor.matmul(b)(a))(x), (_: Tensor, dy: Tensor) => dy))
}

const lastInput = (): Layer<LinearParams, Tensor, Tensor> => {
  let last: Tensor | undefined
  return trusted<Layer<LinearParams, Tensor, Tensor>>({
    forward: (params, x) => {
      last = x
      return linear.forward(params, x)
    },
    // The input of the last forward pass, not of this one.
    vjp: (params, x) => {
      const seen = last ?? x
      last = x
      return [linear.forward(params, x), dy => deferred(linear.vjp(params, seen)[1](dy).params, () => linear.vjp(params, seen)[1](dy).input)]
    }
  })
}

const cachedGradient = (): Layer<NoParams, Tensor, Tensor> => {
  const gradients: Tensor[] = []
  return trusted<Layer<NoParams, Tensor, Tensor>>({
    forward: (_, x) => softmax.forward({}, x),
    vjp: (params, x) => {
      const [y, pullback] = softmax.vjp(params, x)
      return [y, dy => {
        if (gradients.length === 0) gradients.push(pullback(dy).input)
        return { params: {}, input: gradients[0] }
      }]
    }
  })
}

const keepingLoss = (): Loss<Tensor, Tensor> => {
  const right = meanSquaredError(), seen: Tensor[] = []
  return trusted<Loss<Tensor, Tensor>>({
    forward: (p, t) => {
      seen.push(tensor.scale(1)(p))
      return right.forward(seen[0], t)
    },
    gradient: right.gradient
  })
}

/** Momentum whose velocity stands outside of its state. */
const hiddenVelocity = (): Optimizer<'m' | 'v'> => {
  const right = adam({ learningRate: 0.1 })
  const gradients: unknown[] = []
  return trusted<Optimizer<'m' | 'v'>>({
    init: right.init,
    step: <P>(params: P, gradient: P, state: Parameters<typeof right.step<P>>[2]) => {
      gradients.push(gradient)
      return right.step(params, gradients[Math.max(0, gradients.length - 2)] as P, state)
    }
  })
}

const keepingSampler = (): Sampler => {
  const seen: Tensor[] = []
  return trusted((logits: Tensor) => {
    seen.push(logits)
    return categoricalSampler(seen[Math.max(0, seen.length - 3)])
  })
}

const sizes = { vocabulary: 5, context: 6, width: 4, layers: 1 }

const keepingDecoder = (): Decoder<GptParams, Reading> => {
  const right = decoding(gpt({ heads: 2 }), { context: sizes.context })
  let first: Tensor | undefined
  return trusted<Decoder<GptParams, Reading>>({
    empty: right.empty,
    read: (params, cache, tokens) => {
      const [logits, next] = right.read(params, cache, tokens)
      return [first ??= logits, next]
    }
  })
}

const squared = fc.record({ prediction: arbitrary.tensorOf([2, 3]), target: arbitrary.tensorOf([2, 3]) })

export const keepingBugs: readonly Bug[] = [
  { bug: 'a trusted layer keeps a constant made in a run', caughtBy: 'keeping', laws: [laws.keeping(lazyConstant(), points)] },
  { bug: 'a trusted layer uses the input of an earlier pass', caughtBy: 'keeping', laws: [laws.keeping(lastInput(), linearPoints)] },
  { bug: 'a trusted layer keeps its first gradient', caughtBy: 'keeping', laws: [laws.keeping(cachedGradient(), points)] },
  { bug: 'a trusted loss keeps its first prediction', caughtBy: 'keeping', laws: [laws.lossKeeping(keepingLoss(), squared)] },
  { bug: 'a trusted optimiser uses the gradient before', caughtBy: 'keeping', laws: [laws.optimizerKeeping(hiddenVelocity())] },
  { bug: 'a trusted sampler looks at older logits', caughtBy: 'keeping', laws: [laws.samplerKeeping(keepingSampler())] },
  {
    bug: 'a trusted decoder keeps its first logits', caughtBy: 'keeping',
    laws: [laws.decoderKeeping(keepingDecoder(), categoricalSampler, arbitrary.drawnGeneric(initGpt(sizes)).map(params => ({ params, prompt: [0, 1] })))]
  }
]

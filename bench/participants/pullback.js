import {
  adamW, crossEntropy, decoding, generate, gpt, gradientDescent, greedySampler, initGpt, initMlp, mlp, random, recomputing, relu, categoricalSampler,
  initTraining, tensor, trainingRun, trainingStep
} from '../../dist/src/index.js'
import { gemm } from '../../dist/src/kernels/gemm.js'
import { region, settled } from '../../dist/src/memory/region.js'
import * as shapes from '../shapes.js'

const square = n => ({ batch: 1, m: n, n, k: n, transposeA: false, transposeB: false })
const matrices = n => [shapes.numbers(n * n), shapes.numbers(n * n, 1, 2)]

const parametersOf = ({ layers, width, context, vocabulary }) => initGpt({ layers, width, context, vocabulary })(random.key(0))

/** Generates as many tokens as fit the context, from one token. */
const generation = decoder => () => {
  const count = shapes.gpt.context - 1
  const continued = generate({ decoder: decoder(shapes.gpt.heads), params: parametersOf(shapes.gpt), sampler: categoricalSampler, count })
  let seed = 0
  return { run: () => continued([1], random.key(seed++)), work: count }
}

/** What a classifier of handwritten digits is trained with. */
const classifier = () => {
  const { sizes, batch, rate } = shapes.mlp
  const input = tensor.fromArray([batch, sizes[0]], shapes.numbers(batch * sizes[0])), target = tensor.tokensFromArray([batch], shapes.ids(batch, 10))
  return { trained: { model: mlp(relu), loss: crossEntropy(), optimizer: gradientDescent({ learningRate: rate }) }, example: { input, target }, params: initMlp(sizes)(random.key(0)) }
}

/** What a GPT is trained with. */
const languageModel = (sizes, batch) => {
  const { heads, context, vocabulary } = sizes
  const tokens = seed => tensor.tokensFromArray([batch, context], shapes.ids(batch * context, vocabulary, seed))
  return {
    trained: { model: gpt({ heads }), loss: crossEntropy(), optimizer: adamW({ learningRate: 1e-3 }) }, example: { input: tokens(1), target: tokens(2) }, params: parametersOf(sizes)
  }
}

const steps = ({ trained, example, params }) => {
  const step = trainingStep(trained)
  let current = initTraining(trained.optimizer, params)
  return { run: () => { current = step(current, example, random.key(0)) } }
}

/** Steps of a run, timed from the end of one to the end of another: what stays in memory between steps is not copied. */
const stepsOfRun = ({ trained, example, params }) => {
  const train = trainingRun(trained)
  let state = initTraining(trained.optimizer, params)
  const timed = rounds => {
    const ends = []
    state = train({
      steps: rounds + 1, batch: () => example, key: random.key(0),
      until: () => {
        ends.push(performance.now())
        return false
      }
    })(state)
    return ends[ends.length - 1] - ends[0]
  }
  return { timed }
}

/** Milliseconds from the call until there are so many tokens behind a prompt. */
const reading = length => {
  const params = parametersOf(shapes.gpt2), decoder = decoding(gpt({ heads: shapes.gpt2.heads }), { context: shapes.gpt2.context })
  const prompt = Array.from(shapes.ids(length, shapes.gpt2.vocabulary))
  return count => {
    const began = performance.now()
    generate({ decoder, params, sampler: greedySampler, count })(prompt, random.key(0))
    return performance.now() - began
  }
}

const TOKENS = 32

export const pullback = {
  name: 'Pullback',
  gpt2Step: ({ batch, time }) => stepsOfRun(languageModel({ ...shapes.gpt2, context: time }, batch)),
  contextStep: context => stepsOfRun(languageModel({ ...shapes.gpt, context }, 1)),
  stepOfRun: () => stepsOfRun(languageModel(shapes.gpt, shapes.gpt.batch)),
  mlpOfRun: () => stepsOfRun(classifier()),
  prompt: length => {
    const read = reading(length)
    return { run: () => { read(1) } }
  },
  continuation: length => {
    const read = reading(length)
    return { timed: rounds => Array.from({ length: rounds }, () => read(TOKENS + 1) - read(1)).reduce((a, b) => a + b), work: TOKENS }
  },
  initial: () => ({ run: () => { parametersOf(shapes.gpt2) } }),
  gemm: n => {
    const [a, b] = matrices(n).map(data => tensor.fromArray([n, n], data))
    return { run: () => tensor.matmul(b)(a) }
  },
  step: () => steps(languageModel(shapes.gpt, shapes.gpt.batch)),
  generation: generation(heads => decoding(gpt({ heads }), { context: shapes.gpt.context })),
  mlp: () => steps(classifier())
}

export const bareKernel = {
  name: 'Pullback, bare kernel',
  gemm: n => {
    const [a, b] = matrices(n).map(data => tensor.fromArray([n, n], data))
    // The matrices are placed once; what is timed is the kernel on memory that is already there.
    const timed = rounds => region(() => {
      const [x, y] = settled([a, b])
      const began = performance.now()
      for (let i = 0; i < rounds; i++) region(() => void tensor.matmul(y)(x))
      return performance.now() - began
    })
    return { timed }
  }
}

export const plain = {
  name: 'Pullback, reference in TypeScript',
  gemm: n => {
    const [a, b] = matrices(n)
    return { run: () => gemm.reference(square(n), a, b) }
  }
}

export const withoutCache = { name: 'Pullback, without cache', generation: generation(heads => recomputing(gpt({ heads }), shapes.gpt.context)) }

/**
 * A perceptron that learns to tell two classes of points apart, and what it looks like on the way. All of it follows from the settings.
 */
import {
  adam, binaryCrossEntropyWithLogits, gelu, initMlp, initTraining, inspect, lossOf, mlp, noParams, predict, random, relu, sigmoid, silu, tanh, tensor, trainingRun,
  type Layer, type MlpParams, type NoParams, type Tensor, type Trained
} from 'pullback'
import { pointsOf, type Labelled } from './data.js'
import { GRID, type MlpSettings, REACH, SMALL } from './mlpSettings.js'

export type MlpTrained = Trained<MlpParams, 'm' | 'v'>

const ACTIVATION: { readonly [name in MlpSettings['activation']]: Layer<NoParams, Tensor, Tensor> } = { tanh, relu, gelu, silu, sigmoid }

export const TRAINING_POINTS = 200
export const HELD_OUT_POINTS = 100
const BATCH = 32

/** The middles of the cells of a grid, row by row from the top. */
const grid = tensor.of(Array.from({ length: GRID * GRID }, (_, i) => {
  const at = (index: number): number => ((index + 0.5) / GRID * 2 - 1) * REACH
  return [at(i % GRID), -at(Math.floor(i / GRID))]
}))

/** How a network stands after a step. */
export interface MlpPicture {
  readonly step: number
  readonly loss: { readonly training: number, readonly heldOut: number }
  readonly accuracy: { readonly training: number, readonly heldOut: number }
  /** The probability of class 1 on the grid. */
  readonly probability: Float32Array<ArrayBuffer>
  /** The output of each neuron of each hidden layer on a coarser grid. */
  readonly neurons: readonly (readonly Float32Array<ArrayBuffer>[])[]
}

/** The rows of a labelled set with these indices. */
const rowsOf = ({ points, labels }: Labelled, indices: ArrayLike<number>) => ({
  input: tensor.of(Array.from(indices, i => [points.data[2 * i], points.data[2 * i + 1]])),
  target: tensor.of(Array.from(indices, i => [labels.data[i]]))
})

/** The output of one neuron at every second point of the grid. */
const coarse = (y: Tensor, neuron: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: SMALL * SMALL }, (_, i) => {
  const row = 2 * Math.floor(i / SMALL), column = 2 * (i % SMALL)
  return y.data[(row * GRID + column) * y.shape[1] + neuron]
})

const accuracyOf = (logits: Tensor, labels: Tensor): number =>
  Array.from({ length: labels.data.length }, (_, i) => Number(logits.data[i] > 0 === labels.data[i] > 0.5)).reduce((a, b) => a + b, 0) / labels.data.length

export const mlpRun = ({ data, noise, hidden, activation, rate, seed }: MlpSettings) => {
  const [trainingKey, heldOutKey, initKey, stepsKey] = random.splitMany(4)(random.key(seed))
  const training = pointsOf(data, noise, TRAINING_POINTS)(trainingKey), heldOut = pointsOf(data, noise, HELD_OUT_POINTS)(heldOutKey)
  const model = mlp(ACTIVATION[activation]), loss = binaryCrossEntropyWithLogits(), optimizer = adam({ learningRate: rate })
  const choose = random.integers([BATCH], 0, TRAINING_POINTS)
  const run = trainingRun({ model, loss, optimizer }), lossAt = lossOf(model, loss), answer = predict(model)
  const look = inspect(model, path => path.endsWith('.output'))

  const judged = (params: MlpParams, { points, labels }: Labelled) => ({
    loss: lossAt(params, { input: points, target: labels }), accuracy: accuracyOf(answer(params, points), labels)
  })
  return {
    training, heldOut,
    first: (): MlpTrained => initTraining(optimizer, initMlp([2, ...hidden, 1])(initKey)),
    /** The network after so many more steps. */
    advanced: (steps: number): ((trained: MlpTrained) => MlpTrained) => run({
      steps, batch: step => rowsOf(training, choose(random.foldIn(step)(stepsKey)).data), key: stepsKey
    }),
    picture: ({ params, state: { step } }: MlpTrained): MlpPicture => {
      const here = judged(params, training), there = judged(params, heldOut), seen = new Map(look(params, grid))
      const outputAt = (path: string): Tensor => {
        const y = seen.get(path)
        if (y === undefined) throw new Error(`the model shows nothing at "${path}"`)
        return y
      }
      return {
        step,
        loss: { training: here.loss, heldOut: there.loss },
        accuracy: { training: here.accuracy, heldOut: there.accuracy },
        probability: Float32Array.from(sigmoid.forward(noParams, outputAt('output.output')).data),
        neurons: hidden.map((width, layer) => Array.from({ length: width }, (_, neuron) => coarse(outputAt(`hidden.${layer}.output`), neuron)))
      }
    }
  }
}

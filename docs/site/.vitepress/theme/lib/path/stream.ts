/**
 * A small GPT over words, and what its residual stream would say if it were read after each part.
 */
import { pipe } from 'fp-ts/lib/function.js'
import {
  adamW, crossEntropy, gpt, type GptParams, initGpt, initTraining, inspect, layerNorm, noParams, random, randomWindows, softmax, tensor, type Tensor, trainingStep, tree, unembedding
} from 'pullback'

const SENTENCES = ['the cat sat on the mat .', 'the dog sat on the rug .', 'the frog sat on the rock .', 'the bird sat on the roof .'] as const
export const WORDS: readonly string[] = Array.from(new Set(SENTENCES.flatMap(sentence => sentence.split(' ')))).sort()
export const PROMPTS = ['the cat sat on the', 'the dog sat on the', 'the frog sat on the', 'the bird sat on the'] as const

const CONTEXT = 8, HEADS = 2, LAYERS = 2
const idsOf = (text: string): readonly number[] => text.split(' ').map(word => WORDS.indexOf(word))

/** 200 sentences in an order that a key draws. */
const text = tensor.tokensOf(tensor.toArray(random.integers([200], 0, SENTENCES.length)(random.key(11))).flatMap(i => idsOf(SENTENCES[i])))
const batch = randomWindows(text, { batch: 8, context: CONTEXT })

const model = gpt({ heads: HEADS })
const optimizer = adamW({ learningRate: 0.01 })
const step = trainingStep({ model, loss: crossEntropy(), optimizer })

/** GPT-2 draws its weights with a deviation of 0.02, which is meant for a width of 768 and more. This width is 16, so they begin 15 times as large. */
const larger = tree.map(leaf => (leaf.shape.length === 2 ? tensor.scale(15)(leaf) : leaf))

export const begin = () => initTraining(optimizer, larger(initGpt({ vocabulary: WORDS.length, context: CONTEXT, width: 16, layers: LAYERS })(random.key(1))))
export type State = ReturnType<typeof begin>

/** The state after some more steps. */
export const train = (state: State, steps: number): State => {
  let next = state
  for (let i = 0; i < steps; i++) next = step(next, batch(random.key(state.state.step + i)), random.key(state.state.step + i))
  return next
}

export interface Part {
  readonly name: string
  /** The length of the vector that it adds at the last position. */
  readonly adds: number
  /** The likeliest next words if the stream were read here. */
  readonly likeliest: readonly (readonly [word: string, probability: number])[]
}

const last = (x: Tensor): Tensor => tensor.lastRow(x)

const read = ({ ln_f, wte }: GptParams, stream: Tensor): readonly number[] => {
  const normed = layerNorm.forward(ln_f, tensor.reshape([1, stream.shape[0]])(stream))
  return tensor.toArray(softmax.forward(noParams, unembedding.forward(wte, normed)))
}

/** What every part adds at the last position of a prompt. */
export const partsOf = (params: GptParams, prompt: string): readonly Part[] => {
  const seen = new Map(inspect(model, path => /^wpe\.output$|^h\.\d\.(attn|mlp)\.output$/.test(path))(params, tensor.tokensOf([idsOf(prompt)])))
  const names = [['wpe.output', 'word + position'], ...Array.from({ length: LAYERS }, (_, i) => [[`h.${i}.attn.output`, `attention ${i + 1}`], [`h.${i}.mlp.output`, `feed-forward ${i + 1}`]]).flat()]
  let stream: Tensor | undefined
  return names.map(([path, name]) => {
    const output = seen.get(path)
    if (output === undefined) throw new Error(`the model shows no ${path}`)
    const added = last(output)
    stream = stream === undefined ? added : pipe(stream, tensor.add(added))
    const likeliest = read(params, stream).map((p, i) => [WORDS[i], p] as const).sort(([, a], [, b]) => b - a).slice(0, 2)
    return { name, adds: tensor.norm(added), likeliest }
  })
}

/** What the model itself says after a prompt. */
export const predicted = (params: GptParams, prompt: string): readonly number[] =>
  tensor.toArray(softmax.forward(noParams, last(model.forward(params, tensor.tokensOf([idsOf(prompt)])))))

/**
 * GPT-2's parameters from named tensors, as files hold them.
 *
 * @module
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type GptParams, gptSpec } from '../models/gpt.js'
import { decode } from '../random/spec.js'
import { briefShape, quoted } from '../tensor/foreign.js'
import type { Tensor } from '../tensor/tensor.js'
import { checkEntries } from '../tree/entries.js'
import { notFinite } from '../tree/finite.js'
import type { Entry } from '../tree/tree.js'

/** Published files put this before every name but the head's. */
const PREFIX = 'transformer.'
const HEAD = 'lm_head.weight'

const pathOf = (name: string): string => (name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name)

/** The causal mask and its value, which published files hold as if they were parameters. */
const isBuffer = (path: string): boolean => /^h\.\d+\.attn\.(bias|masked_bias)$/.test(path)

const sameNumbers = (a: Tensor, b: Tensor): boolean => {
  if (a.shape.join() !== b.shape.join()) return false
  for (let i = 0; i < a.data.length; i++) if (!Object.is(a.data[i], b.data[i])) return false
  return true
}

/** The number of blocks before the first gap; what is behind it has no place. */
const layersIn = (paths: Iterable<string>): number => {
  const indices = new Set(Array.from(paths, path => /^h\.(0|[1-9]\d*)\./.exec(path)?.[1]))
  let layers = 0
  while (indices.has(String(layers))) layers++
  return layers
}

/** An axis of a matrix, for tensors that are there, are matrices and have entries. */
const axisOf = (leaves: ReadonlyMap<string, Tensor>, path: string, axis: 0 | 1): E.Either<string, number> => {
  const leaf = leaves.get(path)
  if (leaf === undefined) return E.left(`tensor ${quoted(path)} is missing`)
  if (leaf.shape.length !== 2) return E.left(`tensor ${quoted(path)} has the shape ${briefShape(leaf.shape)}, expected a matrix`)
  return leaf.data.length === 0 ? E.left(`tensor ${quoted(path)} of shape ${briefShape(leaf.shape)} has no entries`) : E.right(leaf.shape[axis])
}

/**
 * The parameters of a GPT from named tensors; its sizes follow from their shapes. The names of published files are taken, too:
 * with `transformer.` before them, with the buffers `attn.bias`, and with a head that repeats the token embedding. The left
 * side names the first tensor that is missing, has another shape or precision, holds a number that is not finite, occurs
 * twice, or has no place.
 *
 * @example
 * const params = initGpt({ vocabulary: 9, context: 4, width: 8, layers: 1 })(random.key(0))
 * pipe(gptFromTensors(tree.flatten({ transformer: params })), E.map(({ wte }) => wte.weight.shape)) // E.right([9, 8])
 * gptFromTensors([]) // E.left('tensor "wte.weight" is missing')
 *
 * @category checkpoints
 */
export const gptFromTensors = (entries: readonly Entry[]): E.Either<string, GptParams> => {
  checkEntries('gptFromTensors', entries)
  const leaves = new Map(entries.map(([name, leaf]) => [pathOf(name), leaf]))
  const head = leaves.get(HEAD), table = leaves.get('wte.weight')
  if (head !== undefined && table !== undefined && !sameNumbers(head, table))
    return E.left(`tensor "${HEAD}" differs from "wte.weight", expected a model whose head is its token embedding`)
  const layers = layersIn(leaves.keys())
  return pipe(
    E.Do,
    E.apS('vocabulary', axisOf(leaves, 'wte.weight', 0)),
    E.apS('width', axisOf(leaves, 'wte.weight', 1)),
    E.apS('context', axisOf(leaves, 'wpe.weight', 0)),
    E.apS('hidden', layers === 0 ? E.right(undefined) : axisOf(leaves, 'h.0.mlp.c_fc.weight', 1)),
    E.chain(sizes => decode(gptSpec({ ...sizes, layers }), {
      rename: pathOf, ignore: name => isBuffer(pathOf(name)) || pathOf(name) === HEAD
    })(entries)),
    E.chain(params => {
      const wrong = notFinite(params)
      return wrong === undefined ? E.right(params) : E.left(`tensor ${quoted(wrong[0])} holds ${wrong[1]}, expected finite weights`)
    }))
}

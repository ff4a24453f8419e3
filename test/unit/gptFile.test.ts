import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { characterTokenizer, decodeCheckpoint, encodeCheckpoint, encodeSafetensors, gptFromTensors, initGpt, random, tensor, tree, type GptParams, type Tensor } from 'pullback'

const params = initGpt({ vocabulary: 8, context: 4, width: 4, layers: 2 })(random.key(0))
const entries = tree.flatten(params)
const noPlace = (name: string) => E.left(`tensor "${name}" has no place`)
const sameParams = (found: E.Either<string, GptParams>, expected: GptParams) => { expect(found).toEqual(E.right(expected)) }

describe('the parameters of a GPT from a file', () => {
  test('a hidden width of its own, more than ten blocks, or none', () => {
    for (const sizes of [{ hidden: 3, layers: 1 }, { layers: 12 }, { layers: 0 }]) {
      const written = initGpt({ vocabulary: 2, context: 2, width: 2, ...sizes })(random.key(1))
      const masks = written.h.map((_, i): readonly [string, Tensor] => [`h.${i}.attn.bias`, tensor.zeros([1])])
      sameParams(gptFromTensors([...masks, ...tree.flatten(written)]), written)
    }
  })
  test.each(['x.h.0.attn.bias', 'h.0.attn.bias.x', 'x.h.2.ln_1.weight', 'h.01.ln_1.weight', 'h.2x.ln_1.weight'])('%s has no place', name =>
    { expect(gptFromTensors([...entries, [name, tensor.of([1])]])).toEqual(noPlace(name)) })
  test('a head is the token embedding in its shape, too, and to the bit', () => {
    const differs = E.left('tensor "lm_head.weight" differs from "wte.weight", expected a model whose head is its token embedding')
    const withHead = (head: Tensor, table = params.wte.weight) => gptFromTensors([...entries.slice(1), ['wte.weight', table], ['lm_head.weight', head]])
    sameParams(withHead(params.wte.weight), params)
    expect(withHead(tensor.reshape([4, 8])(params.wte.weight))).toEqual(differs)
    expect(withHead(tensor.fromArray([8, 4], Array.from(params.wte.weight.data, (x, i) => (i === 31 ? -x : x))))).toEqual(differs)
    const zero = tensor.zeros([8, 4])
    expect(withHead(tensor.scale(-1)(zero), zero)).toEqual(differs)
  })
  test('a head alone is no model', () =>
    { expect(gptFromTensors([['lm_head.weight', params.wte.weight]])).toEqual(E.left('tensor "wte.weight" is missing')) })
})

describe('what a checkpoint says of its notes is a whole sentence', () => {
  const { symbols } = E.getOrElseW((problem: string) => { throw new Error(problem) })(characterTokenizer()('hello world'))
  const left = (notes: unknown) => decodeCheckpoint(encodeSafetensors({ tensors: entries, metadata: { pullback: JSON.stringify(notes) } }))
  const tokenizer = { kind: 'character', symbols }
  const rows: readonly (readonly [sentence: string, notes: unknown])[] = [
    ['the notes under "pullback": expected number at "heads", got "2"', { heads: '2', tokenizer }],
    ['the notes under "pullback": expected only "heads", "tokenizer", got "rotary"', { heads: 2, rotary: true, tokenizer }],
    ['the notes under "pullback" on the tokenizer: expected only "kind", "symbols", "unknown", got "merges"', { heads: 2, tokenizer: { ...tokenizer, merges: [] } }],
    ['the replacement "x" of unknown symbols is not in the vocabulary', { heads: 2, tokenizer: { ...tokenizer, unknown: 'x' } }],
    ['the embedding has 8 rows, but the tokenizer has 2 symbols', { heads: 2, tokenizer: { ...tokenizer, symbols: ['a', 'b'] } }],
    ...[3, 0, -2, 0.5].map(heads => [`expected a number of heads that divides the width 4, got ${heads}`, { heads, tokenizer }] as const)
  ]
  test.each(rows)('%s', (sentence, notes) => { expect(left(notes)).toEqual(E.left(`checkpoint: ${sentence}`)) })
  test('without notes there is no tokenizer', () => {
    expect(decodeCheckpoint(encodeSafetensors({ tensors: entries, metadata: { other: 'x' } })))
      .toEqual(E.left('checkpoint: the file has no notes under "pullback", so its tokenizer is unknown'))
  })
  test('what cannot be read back is a RangeError with the same sentence', () => {
    const whole = decodeCheckpoint(encodeSafetensors({ tensors: entries, metadata: { pullback: JSON.stringify({ heads: 4, tokenizer }) } }))
    if (E.isLeft(whole)) throw new Error(whole.left)
    expect(() => encodeCheckpoint({ ...whole.right, heads: -4 })).toThrow(new RangeError('checkpoint: expected a number of heads that divides the width 4, got -4'))
  })
})

import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  characterTokenizer, completeSentence, decodeCheckpoint, decodeSafetensors, decoding, encodeSafetensors, gpt, gptFromTensors, greedySampler, initGpt, printable,
  random, tensor, tokenizerFrom, tree, wordTokenizer, words
} from 'pullback'
import { ensureWritable, loadCheckpoint, loadSafetensors, loadWordVectors, readText, saveCheckpoint, writeBytes } from 'pullback/node'
import { brief, quoted } from '../../src/tensor/foreign.js'

/** What a terminal could obey, or what could hide: controls of both sets, formats, halves of characters, line separators. */
const unsafe = (text: string): boolean => /(?![\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]/u.test(text)

const LONGEST_MESSAGE = 1500

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('\x1b[31m', '\x1b]0;title\x07', '\u009b2J', '\u202etxt.exe', '\x7f', 'a\nb', '\r', '\ud800', '\u2028', 'a'.repeat(200_000), '\x1b'.repeat(5000)))

const isSafe = (message: string): boolean => !unsafe(message) && message.length <= LONGEST_MESSAGE

describe('foreign text', () => {
  test('is shown in one short line without controls, whatever it is', () => {
    fc.assert(fc.property(nasty, text => isSafe(brief(text)) && isSafe(quoted(text))))
  })
  test('plain text is shown as it is, and different short texts differ', () => {
    expect(quoted('h.0.attn.c_attn.weight')).toBe('"h.0.attn.c_attn.weight"')
    expect(quoted('naïve 日本 👩‍🔬')).toBe('"naïve 日本 👩‍🔬"')
    expect(quoted('a"\\\n\x1b\u{e0001}')).toBe('"a\\"\\\\\\n\\u001b\\u{e0001}"')
    const short = fc.string({ unit: 'binary', maxLength: 30 }).filter(text => !/\p{Surrogate}/u.test(text))
    fc.assert(fc.property(short, short, (a, b) => a === b || quoted(a) !== quoted(b)))
  })
  test('a long one keeps its beginning and its end, and no half characters', () => {
    expect(brief(`begin${'x'.repeat(500)}end`)).toMatch(/^beginx+…x+end$/)
    fc.assert(fc.property(fc.nat(3), n => !brief(`${'a'.repeat(n)}${'👩'.repeat(100)}`).includes('\\u')))
  })
  test('printable text keeps its lines and nothing else that commands', () => {
    expect(printable('a\n\tb\x1b[2J\r\u009b')).toBe('a\n\tb\\u001b[2J\\r\\u009b')
    fc.assert(fc.property(nasty, text => !unsafe(printable(text).replace(/[\n\t]/g, ''))))
  })
})

const left = <A>(either: E.Either<string, A>): string => {
  if (E.isRight(either)) throw new Error('expected a problem')
  return either.left
}

/** A safetensors file with the given header and no data. */
const file = (header: string): Uint8Array => {
  const json = new TextEncoder().encode(header)
  const whole = new Uint8Array(8 + json.length)
  new DataView(whole.buffer).setBigUint64(0, BigInt(json.length), true)
  whole.set(json, 8)
  return whole
}

describe('every message of what is read shows it safely and shortly', () => {
  const params = initGpt({ vocabulary: 3, context: 4, width: 4, layers: 1 })(random.key(0))
  const abc = characterTokenizer()('abc')
  if (E.isLeft(abc)) throw new Error(abc.left)
  const header = (text: string, info: unknown): string => JSON.stringify({ [`x${text}`]: info })
  const notes = (value: unknown) => decodeCheckpoint(encodeSafetensors({ tensors: tree.flatten(params), metadata: { pullback: JSON.stringify(value) } }))
  const messages: Readonly<Record<string, (text: string) => string>> = {
    'the name of a tensor': text => left(decodeSafetensors(file(header(text, { dtype: 'F32', shape: [1], data_offsets: [0, 5] })))),
    'a tensor with a hole before it': text => left(decodeSafetensors(file(header(text, { dtype: 'F32', shape: [1], data_offsets: [4, 8] })))),
    'a dtype': text => left(decodeSafetensors(file(header('', { dtype: text, shape: [1], data_offsets: [0, 4] })))),
    'a shape': text => left(decodeSafetensors(file(header('', { dtype: 'F32', shape: Array.from(text, () => 1e15), data_offsets: [0, 4] })))),
    'a shape of texts': text => left(decodeSafetensors(file(header('', { dtype: 'F32', shape: [text], data_offsets: [0, 4] })))),
    'a key that is not known': text => left(decodeSafetensors(file(header('', { dtype: 'F32', shape: [], data_offsets: [0, 4], [`x${text}`]: 1 })))),
    'a key twice': text => left(decodeSafetensors(file(`{${JSON.stringify(text)}:1,${JSON.stringify(text)}:1}`))),
    'a key of the metadata': text => left(decodeSafetensors(file(JSON.stringify({ __metadata__: { [`x${text}`]: 1 } })))),
    'a note': text => left(decodeSafetensors(file(JSON.stringify({ __metadata__: text })))),
    'a surplus tensor': text => left(gptFromTensors([...tree.flatten(params), [`x${text}`, tensor.of([1])]])),
    'a surplus leaf': text => left(tree.unflatten(params)([...tree.flatten(params), [`x${text}`, tensor.of([1])]])),
    'notes on a model': text => left(notes({ heads: text })),
    'a kind of tokenizer': text => left(notes({ heads: 2, tokenizer: { kind: text, symbols: [] } })),
    'a note that is not known': text => left(notes({ heads: 2, tokenizer: { kind: 'character', symbols: ['a', 'b', 'c'] }, [`x${text}`]: 1 })),
    'a symbol': text => left(tokenizerFrom({ kind: 'word', symbols: [`a ${text}`] })),
    'a replacement': text => left(tokenizerFrom({ kind: 'character', symbols: ['a'], unknown: `x${text}` })),
    'a text': text => left(abc.right.encode(`ab${text}Ж`)),
    'a word of a text': text => {
      const t = wordTokenizer()('a b')
      return E.isLeft(t) ? t.left : left(t.right.encode(`x${text}`))
    },
    'a prompt': text => left(completeSentence({ decoder: decoding(gpt({ heads: 1 }), { context: 4 }), params, tokenizer: abc.right, sampler: greedySampler, count: 1 })(`x${text}`, random.key(0))),
    'a number of a word vector': text => left(words.wordVectorsFromLines([`a x${text.replace(/[ \r]/g, '')}`])),
    'a header of word vectors': text => left(words.wordVectorsFromLines([`${'9'.repeat(text.length + 400)} ${'9'.repeat(400)}`])),
    'an unknown word': text => {
      const vectors = words.wordVectorsFromLines(['a 1.5'])
      return E.isLeft(vectors) ? vectors.left : left(words.analogy(vectors.right)(`x${text}`, 'a', 'a'))
    }
  }
  test.each(Object.entries(messages))('%s', (_, messageOf) => {
    fc.assert(fc.property(nasty, text => {
      const message = messageOf(text)
      if (!isSafe(message)) throw new Error(`${message.length} characters: ${JSON.stringify(message.slice(0, 2000))}`)
    }))
  })

  test.each([
    ['readText', readText], ['loadSafetensors', loadSafetensors], ['loadCheckpoint', loadCheckpoint], ['loadWordVectors', loadWordVectors],
    ['ensureWritable', ensureWritable], ['writeBytes', (path: string) => writeBytes(path)(new Uint8Array(1))],
    ['saveCheckpoint', (path: string) => saveCheckpoint(path)({ params, heads: 3, tokenizer: abc.right })]
  ])('the path that %s is given', async (_, use) => {
    await fc.assert(fc.asyncProperty(nasty, async text => isSafe(left<unknown>(await use(`/nowhere/${text}`)()))))
  })
})

/**
 * Trains a small GPT and completes a sentence with it: `npm start`, or `npm start -- --help`.
 */
import './relaxed.js'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  characterTokenizer, completeSentence, decoding, gpt, initGpt, random, sampler, tensor, tree, type Checkpoint, type Tokenizer, type Tokens
} from 'pullback'
import { ensureWritable, loadCheckpoint, readText, saveCheckpoint } from 'pullback/node'
import { ownText } from './corpus.js'
import { curve, display } from './display.js'
import { type Options, parseOptions } from './options.js'
import { meanLoss, train, type TrainingRun } from './training.js'

const FINAL_BATCHES = 200
const VALIDATION_PART = 0.1

const print = (line: string): void => { process.stdout.write(`${line}\n`) }

/** A model to begin with, and what is known about the text. */
interface Setting {
  readonly options: Options
  readonly text: string
  readonly before: Checkpoint
  readonly context: number
}

/** The model of a file, or a new one with the vocabulary of the text. */
const checkpointFor = (options: Options, text: string): TE.TaskEither<string, Checkpoint> => {
  if (options.load !== undefined) return loadCheckpoint(options.load)
  const { layers, width, context, heads } = options.preset
  return TE.fromEither(pipe(
    characterTokenizer()(text),
    E.map(tokenizer => ({
      tokenizer, heads,
      params: initGpt({ vocabulary: tokenizer.symbols.length, context, width, layers })(random.foldIn(0)(random.key(options.seed)))
    }))))
}

const tokensOf = (tokenizer: Tokenizer, text: string): E.Either<string, Tokens> => pipe(
  tokenizer.encode(text), E.map(ids => tensor.tokensFromArray([ids.length], ids)))

/** The first nine tenths to learn from and the rest to judge by. */
const divided = (tokens: Tokens, context: number): E.Either<string, Pick<TrainingRun, 'training' | 'validation'>> => {
  const cut = Math.floor(tokens.data.length * (1 - VALIDATION_PART))
  const part = (from: number, to: number): Tokens => tensor.tokensFromArray([to - from], Array.from(tokens.data).slice(from, to))
  return tokens.data.length - cut > context
    ? E.right({ training: part(0, cut), validation: part(cut, tokens.data.length) })
    : E.left(`the text is too short: expected at least ${Math.ceil((context + 1) / VALIDATION_PART)} characters, got ${tokens.data.length}`)
}

/** Completes a prompt with a model and prints it. */
const complete = ({ options }: Setting, { params, heads, tokenizer }: Checkpoint, prompt: string, length: number): E.Either<string, string> => pipe(
  completeSentence({
    decoder: decoding(gpt({ heads }), { context: params.wpe.weight.shape[0], whenFull: 'halve' }), params, tokenizer, sampler: sampler(options), count: length
  })(prompt, random.foldIn(1)(random.key(options.seed))),
  E.bimap(problem => `the prompt cannot be used: ${problem}`, added => `${prompt}${added}`))

/** The beginning of a line, where the vocabulary has one. */
const lineBegin = ({ before: { tokenizer: { symbols } } }: Setting): string => (symbols.includes('\n') ? '\n' : symbols[0])

const sample = (setting: Setting, model: Checkpoint, title: string): void => {
  const result = complete(setting, model, lineBegin(setting), setting.options.length)
  if (E.isRight(result)) print(`\n${title}\n${result.right.trim().replace(/^/gm, '  │ ')}\n`)
}

/** Trains as long as the options say and shows how it goes. */
const trained = (setting: Setting): TE.TaskEither<string, Checkpoint> => {
  const { options, text, before, context } = setting
  if (options.steps === 0) return TE.right(before)
  return pipe(
    tokensOf(before.tokenizer, text),
    E.mapLeft(problem => `the text does not fit the model: ${problem}`),
    E.chain(tokens => divided(tokens, context)),
    TE.fromEither,
    TE.chainTaskK(parts => async () => {
      const { preset, steps, workers, plain } = options
      const run: TrainingRun = {
        ...parts, preset, steps, workers, context, heads: before.heads, key: random.foldIn(2)(random.key(options.seed))
      }
      sample(setting, before, 'A sample before training:')
      const losses: number[] = []
      const shown = display(steps, preset.batch * context, plain || !process.stdout.isTTY, print)
      const began = Date.now()
      const params = await train(run, before.params, progress => {
        losses.push(progress.trainingLoss)
        shown.report(progress)
      })
      shown.end()
      const seconds = (Date.now() - began) / 1000
      const after: Checkpoint = { ...before, params }
      print(`\ntrained for ${steps} steps in ${seconds.toFixed(1)} s`)
      print(`training loss ${losses[losses.length - 1].toFixed(4)}, validation loss ${meanLoss(params, parts.validation, FINAL_BATCHES, run).toFixed(4)} (mean over ${FINAL_BATCHES} batches of the last tenth of the text)\n`)
      print(curve(losses))
      sample(setting, after, 'A sample after training:')
      return after
    }))
}

/** The first words of the text, if the model knows its symbols; it may come from a file and another text. */
const defaultPrompt = (setting: Setting): string => {
  const words = setting.text.trimStart().slice(0, 12)
  return E.isRight(setting.before.tokenizer.encode(words)) && words !== '' ? words : lineBegin(setting)
}

const program = (options: Options): TE.TaskEither<string, void> => pipe(
  TE.Do,
  TE.apS('text', options.text === undefined ? ownText : readText(options.text)),
  TE.bind('before', ({ text }) => checkpointFor(options, text)),
  TE.bind('setting', ({ text, before }) => TE.right({ options, text, before, context: before.params.wpe.weight.shape[0] })),
  // What would fail after the training should be said before it.
  TE.chainFirst(() => options.save === undefined ? TE.right(undefined) : ensureWritable(options.save)),
  TE.chainFirstEitherK(({ setting, before }) => options.prompt === undefined ? E.right('') : complete(setting, before, options.prompt, 0)),
  TE.chainFirstIOK(({ text, setting, before }) => () => {
    const [vocabulary, width] = before.params.wte.weight.shape
    print(`${text.length.toLocaleString('en')} characters of text, ${vocabulary} symbols`)
    print(`GPT with ${tree.count(before.params).toLocaleString('en')} parameters: ${before.params.h.length} layers, ${before.heads} heads, width ${width}, context ${setting.context}; preset ${options.presetName}, seed ${options.seed}`)
  }),
  TE.bind('after', ({ setting }) => trained(setting)),
  TE.chainFirst(({ after }) => options.save === undefined ? TE.right(undefined) : pipe(
    saveCheckpoint(options.save)(after), TE.map(() => { print(`saved to ${options.save}`) }))),
  TE.chainEitherK(({ setting, after }) => complete(setting, after, options.prompt ?? defaultPrompt(setting), options.length)),
  TE.map(completed => { print(`Completing a prompt:\n${completed.replace(/^/gm, '  │ ')}`) }))

const result = await program(parseOptions(process.argv.slice(2)))()
if (E.isLeft(result)) {
  process.stderr.write(`error: ${result.left}\n`)
  process.exitCode = 1
}

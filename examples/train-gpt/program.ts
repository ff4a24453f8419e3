/**
 * The program: what a command line does, and the exit code.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  characterTokenizer, completeSentence, decoding, gpt, initGpt, kernelsInUse, memoryInUse, random, sampler, tensor, threadsInUse, tree, useThreads, type Checkpoint, type Tokenizer, type Tokens
} from 'pullback'
import { ensureWritable, loadCheckpoint, readText, saveCheckpoint } from 'pullback/node'
import { ownText } from './corpus.js'
import { curve, display } from './display.js'
import { exitCodeOf, interruption, type Signal } from './interruption.js'
import { type Options, parseOptions } from './options.js'
import { failure, print } from './printing.js'
import { meanLoss, train, type TrainingRun } from './training.js'

const FINAL_BATCHES = 200
const VALIDATION_PART = 0.1

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

/** The sentence of a number out of its domain, such as what becomes of huge weights; any other error is a mistake of the program. */
const outOfDomain = (title: string) => (error: unknown): string => {
  if (!(error instanceof Error && error.name === 'RangeError')) throw error
  return `${title}: ${error.message}`
}

/** Completes a prompt with a model. */
const complete = ({ options }: Setting, { params, heads, tokenizer }: Checkpoint, prompt: string, length: number): E.Either<string, string> => pipe(
  E.tryCatch(() => completeSentence({
    decoder: decoding(gpt({ heads }), { context: params.wpe.weight.shape[0], whenFull: 'halve' }), params, tokenizer, sampler: sampler({ temperature: options.temperature, topK: options.topK, topP: options.topP }), count: length
  })(prompt, random.foldIn(1)(random.key(options.seed))), outOfDomain('the model cannot complete a prompt')),
  E.chain(E.bimap(problem => `the prompt cannot be used: ${problem}`, added => `${prompt}${added}`)))

/** The beginning of a line, where the vocabulary has one. */
const lineBegin = ({ before: { tokenizer: { symbols } } }: Setting): string => (symbols.includes('\n') ? '\n' : symbols[0])

const sample = (setting: Setting, model: Checkpoint, title: string): E.Either<string, void> => pipe(
  complete(setting, model, lineBegin(setting), setting.options.length),
  E.map(text => { print(`\n${title}\n${text.trim().replace(/^/gm, '  │ ')}\n`) }))

/** A model and how it was trained. */
interface Trained {
  readonly after: Checkpoint
  /** Nothing where nothing was trained. */
  readonly run?: TrainingRun
  readonly losses: readonly number[]
  /** What stopped the training before its end. */
  readonly signal: Signal | undefined
}

const save = ({ options }: Setting, model: Checkpoint): TE.TaskEither<string, void> =>
  options.save === undefined ? TE.right(undefined) : pipe(
    saveCheckpoint(options.save)(model), TE.map(() => { print(`saved to ${options.save}`) }))

/** Trains until the end or a signal, shows how it goes, and saves what came of it. */
const trainedAndSaved = (setting: Setting, run: TrainingRun): TE.TaskEither<string, Trained> => async () => {
  const { options: { preset, steps, plain, save: path }, before } = setting
  const losses: number[] = []
  const shown = display({
    steps, tokens: preset.batch * run.context, terminal: plain || !process.stdout.isTTY ? undefined : process.stdout, print
  })
  const { signal, release } = interruption(
    name => {
      shown.end()
      print(`\n${name}: stopping after this step${path === undefined ? '' : ' to save the model'}; a second one ends at once`)
    },
    name => {
      shown.end()
      process.exit(exitCodeOf(name))
    })
  const began = Date.now()
  try {
    return await pipe(
      TE.tryCatch(() => train(run, before.params, progress => {
        losses.push(progress.trainingLoss)
        shown.report(progress)
      }, () => signal() !== undefined), outOfDomain('the training failed')),
      TE.chainFirstIOK(() => () => {
        shown.end()
        print(`\ntrained for ${losses.length} steps in ${((Date.now() - began) / 1000).toFixed(1)} s${signal() === undefined ? '' : `, stopped by ${signal()} after step ${losses.length} of ${steps}`}`)
        if (signal() !== undefined && path === undefined) print('the model is not saved: there is no --save')
      }),
      TE.map(params => ({ ...before, params })),
      TE.chainFirst(after => save(setting, after)),
      TE.map(after => ({ after, run, losses, signal: signal() })))()
  } finally {
    shown.end()
    release()
  }
}

/** Trains as long as the options say. */
const trained = (setting: Setting): TE.TaskEither<string, Trained> => {
  const { options, text, before, context } = setting
  const { preset, steps, seed } = options
  if (steps === 0) return pipe(save(setting, before), TE.map(() => ({ after: before, losses: [], signal: undefined })))
  return pipe(
    tokensOf(before.tokenizer, text),
    E.mapLeft(problem => `the text does not fit the model: ${problem}`),
    E.chain(tokens => divided(tokens, context)),
    E.chainFirst(() => sample(setting, before, 'A sample before training:')),
    TE.fromEither,
    TE.chain(parts => trainedAndSaved(setting, {
      ...parts, preset, steps, context, heads: before.heads, key: random.foldIn(2)(random.key(seed))
    })))
}

/** Shows what came of the training. */
const judged = (setting: Setting, { after, run, losses }: Trained): E.Either<string, void> => {
  if (run === undefined) return E.right(undefined)
  print(`training loss ${losses[losses.length - 1].toFixed(4)}, validation loss ${meanLoss(after.params, run.validation, FINAL_BATCHES, run).toFixed(4)} (mean over ${FINAL_BATCHES} batches of the last tenth of the text)\n`)
  print(curve(losses))
  return sample(setting, after, 'A sample after training:')
}

/** The first words of the text, if the model knows its symbols; it may come from a file and another text. */
const defaultPrompt = (setting: Setting): string => {
  const words = setting.text.trimStart().slice(0, 12)
  return E.isRight(setting.before.tokenizer.encode(words)) && words !== '' ? words : lineBegin(setting)
}

/** Sets the number of threads, if one was asked for. */
const withThreads = ({ threads }: Options): E.Either<string, void> => {
  if (threads === undefined) return E.right(undefined)
  useThreads(threads)
  return threadsInUse() === threads ? E.right(undefined)
    : E.left(`option '--threads ${threads}' cannot be honoured: ${kernelsInUse()} kernels have one thread here`)
}

/** What the options ask for; on the right the exit code. */
const program = (options: Options): TE.TaskEither<string, number> => pipe(
  TE.Do,
  TE.chainFirstEitherK(() => withThreads(options)),
  TE.bind('text', () => options.text === undefined ? ownText : readText(options.text)),
  TE.bind('before', ({ text }) => checkpointFor(options, text)),
  TE.bind('setting', ({ text, before }) => TE.right({ options, text, before, context: before.params.wpe.weight.shape[0] })),
  // What would fail after the training should be said before it.
  TE.chainFirst(() => options.save === undefined ? TE.right(undefined) : ensureWritable(options.save)),
  TE.chainFirstEitherK(({ setting, before }) => options.prompt === undefined ? E.right('') : complete(setting, before, options.prompt, 0)),
  TE.chainFirstIOK(({ text, setting, before }) => () => {
    const [vocabulary, width] = before.params.wte.weight.shape
    print(`${text.length.toLocaleString('en')} characters of text, ${vocabulary} symbols`)
    print(`GPT with ${tree.count(before.params).toLocaleString('en')} parameters: ${before.params.h.length} layers, ${before.heads} heads, width ${width}, context ${setting.context}; preset ${options.presetName}, seed ${options.seed}`)
    print(`${kernelsInUse()} kernels, ${threadsInUse() === 1 ? 'one thread' : `up to ${threadsInUse()} threads`}`)
  }),
  TE.bind('result', ({ setting }) => trained(setting)),
  TE.chainEitherK(({ setting, result }) => result.signal !== undefined ? E.right(exitCodeOf(result.signal)) : pipe(
    judged(setting, result),
    E.chain(() => complete(setting, result.after, options.prompt ?? defaultPrompt(setting), options.length)),
    E.map(completed => {
      print(`Completing a prompt:\n${completed.replace(/^/gm, '  │ ')}`)
      return 0
    }))))

/** Says what memory was refused; a library does not print. */
const sayRefused = (): void => {
  const { refused, reason } = memoryInUse()
  if (refused > 0) print(`slow: ${refused} calls of kernels found no room in their memory, since ${reason}`)
}

/** Does what a command line says and gives the exit code. */
export const run = async (argv: readonly string[]): Promise<number> => {
  // Nobody reads what is written; outside of a training there is nothing to save.
  process.stdout.on('error', () => { if (process.listenerCount('SIGHUP') === 0) process.exit(exitCodeOf('SIGHUP')) })
  const result = await program(parseOptions(argv))()
  sayRefused()
  if (E.isRight(result)) return result.right
  process.stderr.write(failure(result.left))
  return 1
}

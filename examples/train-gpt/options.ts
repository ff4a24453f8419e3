/**
 * The command line.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { failure } from './printing.js'

/** A model and how it is trained. */
export interface Preset {
  readonly layers: number
  readonly heads: number
  readonly width: number
  readonly context: number
  readonly batch: number
  readonly steps: number
  readonly peakRate: number
  readonly finalRate: number
  readonly warmup: number
  readonly beta2: number
  readonly weightDecay: number
  readonly dropout: number
}

const PRESETS = {
  small: {
    layers: 2, heads: 4, width: 64, context: 64, batch: 12, steps: 1000, peakRate: 3e-3, finalRate: 3e-4, warmup: 30,
    beta2: 0.99, weightDecay: 0.1, dropout: 0
  },
  /** nanoGPT's configuration for a CPU. */
  nanogpt: {
    layers: 4, heads: 4, width: 128, context: 64, batch: 12, steps: 2000, peakRate: 1e-3, finalRate: 1e-4, warmup: 100,
    beta2: 0.99, weightDecay: 0.1, dropout: 0
  }
} as const satisfies Readonly<Record<string, Preset>>

export interface Options {
  readonly preset: Preset
  readonly presetName: string
  readonly text: string | undefined
  readonly save: string | undefined
  readonly load: string | undefined
  readonly steps: number
  readonly seed: number
  /** Undefined: as many as the library takes by itself. */
  readonly threads: number | undefined
  readonly prompt: string | undefined
  readonly length: number
  readonly temperature: number
  readonly topK: number | undefined
  readonly topP: number | undefined
  readonly plain: boolean
}

const number = (what: string, valid: (x: number) => boolean) => (text: string): number => {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!valid(value)) throw new InvalidArgumentError(`Expected ${what}.`)
  return value
}

const positiveInteger = number('a positive integer', x => Number.isSafeInteger(x) && x > 0)
const naturalNumber = number('a non-negative integer', x => Number.isSafeInteger(x) && x >= 0)
const threadCount = number('an integer from 1 to 64', x => Number.isSafeInteger(x) && x >= 1 && x <= 64)

/** The options of a command line. Ends the process with a sentence and exit code 1 where they are wrong. */
export const parseOptions = (argv: readonly string[]): Options => {
  const program = new Command('npm start --')
    .description('Trains a small GPT on a text and completes a sentence with it.')
    .option('--text <file>', 'the text to learn from (default: the prose and source of this repository)')
    .addOption(new Option('--preset <name>', 'the size of the model and how it is trained').choices(Object.keys(PRESETS)).default('small'))
    .option('--steps <n>', 'how many steps to train (default: that of the preset)', naturalNumber)
    .option('--seed <n>', 'the same seed gives the same losses to the last bit', naturalNumber, 1337)
    .option('--threads <n>', 'threads that compute (default: PULLBACK_THREADS, or one for each core); has no influence on the losses', threadCount)
    .addOption(new Option('--workers [n]').hideHelp())
    .option('--prompt <text>', 'the beginning of a sentence to complete')
    .option('--length <n>', 'how many characters to add to the prompt', naturalNumber, 200)
    .option('--temperature <t>', '0 takes the likeliest character, 1 draws from the model as it is',
      number('a number of at least 0', x => x >= 0 && Number.isFinite(x)), 0.8)
    .option('--top-k <n>', 'draw from the n likeliest characters only', positiveInteger)
    .option('--top-p <p>', 'draw from the likeliest characters that hold this probability only',
      number('a number above 0 and at most 1', x => x > 0 && x <= 1))
    .option('--save <file>', 'write the trained model as safetensors')
    .option('--load <file>', 'begin with a model written by --save; with --steps 0 only to complete a prompt')
    .option('--plain', 'plain lines instead of a progress bar', false)
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (message, write) => { write(failure(message.replace(/^error: /, ''))) } })
  program.on('option:workers', () => program.error("error: option '--workers' is gone: threads compute inside of every kernel, and '--threads <n>' says how many"))
  program.parse(argv, { from: 'user' })
  const given = program.opts<{
    text?: string, preset: keyof typeof PRESETS, steps?: number, seed: number, threads?: number, prompt?: string, length: number, temperature: number,
    topK?: number, topP?: number, save?: string, load?: string, plain: boolean
  }>()
  const preset: Preset = PRESETS[given.preset]
  return {
    preset, presetName: given.preset, text: given.text, save: given.save, load: given.load, steps: given.steps ?? preset.steps,
    seed: given.seed, threads: given.threads, prompt: given.prompt, length: given.length, temperature: given.temperature, topK: given.topK, topP: given.topP,
    plain: given.plain
  }
}

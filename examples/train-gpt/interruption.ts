/**
 * Being asked to stop: by Ctrl-C, by another program, by a terminal that closes.
 */
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type Signal = typeof SIGNALS[number]

/** What shells expect of a program that a signal ended. */
export const exitCodeOf = (signal: Signal): number => 128 + constants.signals[signal]

/** npm passes on the signal that the terminal has already sent to all of its programs: so soon, it is the same one. */
const SAME_WITHIN_MS = 100

export interface Interruption {
  /** The first signal that came. */
  readonly signal: () => Signal | undefined
  /** From now on signals do what they do without a handler. */
  readonly release: () => void
}

/** Takes signals until it is released: `first` hears the first one, `second` every later one. */
export const interruption = (first: (signal: Signal) => void, second: (signal: Signal) => void): Interruption => {
  let came: Signal | undefined
  let when = 0
  const take = (signal: Signal): void => {
    if (came === undefined) {
      came = signal
      when = Date.now()
      first(signal)
    } else if (signal !== came || Date.now() - when > SAME_WITHIN_MS) second(signal)
  }
  // Whoever reads the output has gone, as when a terminal closes, but the model can still be saved.
  const unheard = (): void => { if (came === undefined) take('SIGHUP') }
  for (const signal of SIGNALS) process.on(signal, take)
  process.stdout.on('error', unheard)
  return {
    signal: () => came,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, take)
      process.stdout.off('error', unheard)
    }
  }
}

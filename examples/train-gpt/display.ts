/**
 * What the program shows: a progress bar on a terminal, plain lines elsewhere.
 */
import { plot } from 'asciichart'
import { Presets, SingleBar } from 'cli-progress'
import type { Report } from './training.js'

export interface Display {
  /** Shows a step; nothing after the end. */
  readonly report: (progress: Report) => void
  /** Leaves the terminal as it was; may be called again. */
  readonly end: () => void
}

const loss = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(3))

const duration = (seconds: number): string =>
  seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`

export interface DisplayOptions {
  readonly steps: number
  /** So many are processed by each step. */
  readonly tokens: number
  /** The terminal for a bar; without one, `print` gets plain lines. */
  readonly terminal: NodeJS.WritableStream | undefined
  readonly print: (line: string) => void
}

/** Shows progress. */
export const display = ({ steps, tokens, terminal, print }: DisplayOptions): Display => {
  const began = Date.now()
  const facts = ({ step, trainingLoss, validationLoss }: Report) => {
    const seconds = Math.max(1e-3, (Date.now() - began) / 1000)
    return {
      training: loss(trainingLoss), validation: loss(validationLoss), speed: Math.round(step * tokens / seconds).toLocaleString('en'),
      left: duration(seconds / step * (steps - step))
    }
  }
  if (terminal === undefined) {
    const every = Math.max(1, Math.floor(steps / 10))
    return {
      report: progress => {
        if (progress.step % every !== 0 && progress.step !== 1 && progress.step !== steps) return
        const { training, validation, speed, left } = facts(progress)
        print(`step ${progress.step}/${steps}  training loss ${training}  validation loss ${validation}  ${speed} tokens/s  ${left} left`)
      },
      end: () => undefined
    }
  }
  const bar = new SingleBar({
    format: '{bar} {value}/{total} | loss {training} | validation {validation} | {speed} tokens/s | {left} left',
    barsize: 24, hideCursor: true, stream: terminal
  }, Presets.shades_classic)
  bar.start(steps, 0, { training: '–', validation: '–', speed: '–', left: '–' })
  return {
    report: progress => { if (bar.isActive) bar.update(progress.step, facts(progress)) },
    end: () => { if (bar.isActive) bar.stop() }
  }
}

const COLUMNS = 60

/** A curve in characters: each column the mean of its part of the losses. */
export const curve = (losses: readonly number[]): string => {
  const columns = Math.min(COLUMNS, losses.length)
  const means = Array.from({ length: columns }, (_, c) => {
    const part = losses.slice(Math.floor(c * losses.length / columns), Math.floor((c + 1) * losses.length / columns))
    return part.reduce((a, b) => a + b, 0) / part.length
  })
  return plot(means, { height: 10, format: value => value.toFixed(2).padStart(7) })
}

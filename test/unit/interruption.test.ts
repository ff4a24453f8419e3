import { Writable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { display } from '../../examples/train-gpt/display.js'
import { exitCodeOf, interruption } from '../../examples/train-gpt/interruption.js'

afterEach(() => { vi.useRealTimers() })

/** What an interruption has heard, while `run` emits signals. */
const heard = (run: () => void): readonly string[] => {
  const events: string[] = []
  const { signal, release } = interruption(name => events.push(`first ${name}`), name => events.push(`second ${name}`))
  try {
    run()
  } finally {
    release()
  }
  return [...events, `came ${signal()}`]
}

describe('an interruption', () => {
  test('the first signal asks, a later one orders', () => {
    vi.useFakeTimers()
    expect(heard(() => {
      process.emit('SIGINT', 'SIGINT')
      vi.advanceTimersByTime(200)
      process.emit('SIGINT', 'SIGINT')
    })).toEqual(['first SIGINT', 'second SIGINT', 'came SIGINT'])
  })
  test('one key press that arrives twice is one', () => {
    vi.useFakeTimers()
    expect(heard(() => {
      process.emit('SIGINT', 'SIGINT')
      vi.advanceTimersByTime(5)
      process.emit('SIGINT', 'SIGINT')
    })).toEqual(['first SIGINT', 'came SIGINT'])
  })
  test('another signal is another request, however soon', () => {
    expect(heard(() => {
      process.emit('SIGINT', 'SIGINT')
      process.emit('SIGTERM', 'SIGTERM')
    })).toEqual(['first SIGINT', 'second SIGTERM', 'came SIGINT'])
  })
  test('no signal is no request, and nothing listens after the release', () => {
    const before = ['SIGINT', 'SIGTERM', 'SIGHUP'].map(name => process.listenerCount(name))
    expect(heard(() => undefined)).toEqual(['came undefined'])
    expect(['SIGINT', 'SIGTERM', 'SIGHUP'].map(name => process.listenerCount(name))).toEqual(before)
  })
  test('exit codes are those of shells', () => {
    expect((['SIGHUP', 'SIGINT', 'SIGTERM'] as const).map(exitCodeOf)).toEqual([129, 130, 143])
  })
})

describe('the progress bar', () => {
  const HIDE = '\x1b[?25l', SHOW = '\x1b[?25h'

  test('hides the cursor, shows it at the end, and draws nothing afterwards', () => {
    let written = ''
    const terminal = Object.assign(
      new Writable({ write: (part, _, done) => { written += String(part); done() } }), { isTTY: true, columns: 200 })
    const shown = display({ steps: 10, tokens: 1, terminal, print: () => undefined })
    shown.report({ step: 1, trainingLoss: 1, validationLoss: NaN })
    expect(written.lastIndexOf(HIDE)).toBeGreaterThan(written.lastIndexOf(SHOW))
    shown.end()
    expect(written.lastIndexOf(SHOW)).toBeGreaterThan(written.lastIndexOf(HIDE))
    const atEnd = written
    shown.report({ step: 2, trainingLoss: 1, validationLoss: NaN })
    shown.end()
    expect(written).toBe(atEnd)
  })
})

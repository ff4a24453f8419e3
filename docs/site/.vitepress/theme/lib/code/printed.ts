/**
 * What a program has sent to the page, counted in the page: the worker is the program's own, and may count wrongly.
 */
import type { FromProgram } from './messages.js'

export const MOST_LINES = 500, MOST_CHARACTERS = 200_000

export interface Printed {
  readonly messages: number
  readonly characters: number
}

export const NOTHING: Printed = { messages: 0, characters: 0 }

/** A message of a program, whatever it sent; undefined for what is none. */
const messageIn = (data: unknown): FromProgram | undefined => {
  if (typeof data !== 'object' || data === null || !('kind' in data)) return undefined
  const text = 'text' in data && typeof data.text === 'string' ? data.text : undefined
  switch (data.kind) {
    case 'ready': case 'done': return { kind: data.kind }
    case 'line': case 'failed': return text === undefined ? undefined : { kind: data.kind, text }
    default: return undefined
  }
}

/** What is to be done with the next message; one that is too much ends the program. */
export const received = ({ messages, characters }: Printed, data: unknown): { readonly printed: Printed, readonly message: FromProgram } => {
  const message = messageIn(data) ?? { kind: 'failed', text: 'The program sent the page something that is no line.' }
  const printed = { messages: messages + 1, characters: characters + ('text' in message ? message.text.length : 0) }
  // The worker says once that it is ready, and once that it has ended.
  if (printed.messages > MOST_LINES + 2) return { printed, message: { kind: 'failed', text: `Stopped: it printed more than ${MOST_LINES} lines.` } }
  if (printed.characters > MOST_CHARACTERS) return { printed, message: { kind: 'failed', text: `Stopped: it printed more than ${MOST_CHARACTERS} characters.` } }
  return { printed, message }
}

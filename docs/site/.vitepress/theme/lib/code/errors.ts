import { cut } from './show.js'

/** What was thrown, as text, whatever it is: even its own text may throw. */
export const messageOf = (error: unknown): string => {
  try {
    return cut(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  } catch {
    return 'Something that has no text'
  }
}

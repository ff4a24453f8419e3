/**
 * Which questions were answered rightly. It is kept in this browser and nowhere else; a browser that refuses keeps nothing.
 */
const KEY = 'pullback-path'

export const answered = (): readonly string[] => {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
  } catch {
    return []
  }
}

export const remember = (chapter: string): void => {
  try {
    localStorage.setItem(KEY, JSON.stringify([...answered().filter(other => other !== chapter), chapter]))
  } catch { /* Nothing is kept then, which is no reason to fail. */ }
}

export const forget = (): void => {
  try {
    localStorage.removeItem(KEY)
  } catch { /* There was nothing. */ }
}

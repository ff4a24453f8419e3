/**
 * What is asked of the kernels before they are loaded: variables of the environment, or globals of the same names, which come first.
 *
 * @module
 */

type Name = 'PULLBACK_KERNELS' | 'PULLBACK_THREADS' | 'PULLBACK_MEMORY'
type Asked = { readonly [N in Name]?: string | number }

interface Engine extends Asked {
  readonly process?: { readonly env?: { readonly [N in Name]?: string } }
}

/** What a variable says; undefined where it says nothing, or may not be read (Deno asks for a permission). */
export const setting = (name: Name): string | undefined => {
  try {
    const engine = globalThis as Engine, named = engine[name] ?? engine.process?.env?.[name]
    return named === undefined || named === '' ? undefined : String(named)
  } catch {
    return undefined
  }
}

/** A variable that counts something. Throws `RangeError`, at import, for anything but an integer within bounds. */
export const countSetting = (name: Name, what: string, least: number, most: number): number | undefined => {
  const named = setting(name)
  if (named === undefined) return undefined
  const value = /^\d+$/.test(named) ? Number(named) : NaN
  if (!(value >= least && value <= most)) throw new RangeError(`${name}: expected a number of ${what} from ${least} to ${most}, got "${named}"`)
  return value
}

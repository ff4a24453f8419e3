/**
 * Of all tabs, one may keep its run: they share one place, and each would overwrite the other’s.
 */

/** What is asked of the locks of a browser. */
export interface Locks {
  readonly request: (name: string, options: { readonly signal: AbortSignal }, use: () => Promise<never>) => Promise<unknown>
}

/** Asks for a lock, and has it as long as the page is there. False if another has it for longer than the milliseconds; it may be asked again. */
export const holderOf = (locks: Locks | undefined, name: string, milliseconds: number): () => Promise<boolean> => {
  let asked: Promise<boolean> | undefined
  const request = (manager: Locks): Promise<boolean> => new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(milliseconds)
    manager.request(name, { signal }, () => {
      resolve(true)
      return new Promise<never>(() => undefined)
    }).catch((error: unknown) => {
      asked = undefined
      if (signal.aborted) resolve(false)
      else reject(error instanceof Error ? error : new Error(String(error)))
    })
  })
  // Where the browser has no locks, a run is kept as if there were no other tab.
  return () => (locks === undefined ? Promise.resolve(true) : asked ??= request(locks))
}

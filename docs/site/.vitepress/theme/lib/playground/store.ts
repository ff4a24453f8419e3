/**
 * The last run, kept by the browser over a reload.
 */
import type { Kept } from './session.js'

const DATABASE = 'pullback-playground', STORE = 'runs', KEY = 'gpt'

/** Milliseconds that the browser may take to find a run, and to write one. */
const LONGEST = { find: 2000, write: 20_000 }

/** A store that neither answers nor fails would let the page wait for ever. */
const inTime = async <A>(milliseconds: number, promise: Promise<A>): Promise<A> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => { reject(new Error(`its store did not answer in ${milliseconds / 1000} seconds`)) }, milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const answered = <A>(request: IDBRequest<A>): Promise<A> => new Promise((resolve, reject) => {
  request.onsuccess = () => { resolve(request.result) }
  request.onerror = () => { reject(request.error ?? new Error('the browser gives no reason')) }
})

const database = (): Promise<IDBDatabase> => {
  const request = indexedDB.open(DATABASE, 1)
  request.onupgradeneeded = () => { request.result.createObjectStore(STORE) }
  return answered(request)
}

const within = async <A>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<A>): Promise<A> => {
  const opened = await database()
  try {
    return await answered(use(opened.transaction(STORE, mode).objectStore(STORE)))
  } finally {
    opened.close()
  }
}

export const keep = (kept: Kept): Promise<unknown> => inTime(LONGEST.write, within('readwrite', store => store.put(kept, KEY)))

const isKept = (value: unknown): value is Kept => {
  const { weights, slots, notes } = (value ?? {}) as Partial<Record<keyof Kept, unknown>> // whatever it is, its fields are looked at
  return weights instanceof Uint8Array && slots instanceof Uint8Array && typeof notes === 'string'
}

/** Undefined if nothing is kept. */
export const recalled = async (): Promise<Kept | undefined> => {
  const value: unknown = await inTime(LONGEST.find, within<unknown>('readonly', store => store.get(KEY)))
  return isKept(value) ? value : undefined
}

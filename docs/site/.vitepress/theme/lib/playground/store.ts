/**
 * The last run, kept by the browser over a reload.
 */
import type { Kept } from './session.js'

const DATABASE = 'pullback-playground', STORE = 'runs', KEY = 'gpt'

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

export const keep = (kept: Kept): Promise<unknown> => within('readwrite', store => store.put(kept, KEY))

const isKept = (value: unknown): value is Kept => {
  const { weights, slots, notes } = (value ?? {}) as Partial<Record<keyof Kept, unknown>> // whatever it is, its fields are looked at
  return weights instanceof Uint8Array && slots instanceof Uint8Array && typeof notes === 'string'
}

/** Undefined if nothing is kept. */
export const recalled = async (): Promise<Kept | undefined> => {
  const value: unknown = await within<unknown>('readonly', store => store.get(KEY))
  return isKept(value) ? value : undefined
}

/**
 * Where threads come from: `worker_threads` of Node, which Deno and Bun have too, or the `Worker` of a page that is isolated. Everything
 * is looked for, nothing is relied on: an engine without threads, or one that refuses them, has none.
 *
 * @module
 */

/** A thread. */
export interface Host {
  readonly end: () => void
}

/** What a thread is told at its start. */
export interface Told {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly begin: number
  readonly id: number
}

/** As much of Node as is used. */
interface NodeWorker {
  readonly unref: () => void
  readonly on: (event: 'error', listener: () => void) => void
  readonly terminate: () => unknown
}

interface WorkerThreads {
  readonly isMainThread: boolean
  readonly Worker: new (code: string, options: object) => NodeWorker
}

interface Engine {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown }
  readonly navigator?: { readonly hardwareConcurrency?: number }
  readonly crossOriginIsolated?: boolean
  readonly Worker?: typeof Worker
}

const engine = globalThis as Engine

const attempt = <A>(f: () => A): A | undefined => {
  try {
    return f()
  } catch {
    return undefined
  }
}

const builtin = (name: string): unknown => attempt(() => engine.process?.getBuiltinModule?.(name))

const workerThreads = (): WorkerThreads | undefined => builtin('node:worker_threads') as WorkerThreads | undefined // as Node documents it

/** How many threads there is work for: the cores, or one where a program has made threads of its own. */
export const cores = (): number => {
  const threads = workerThreads()
  if (threads !== undefined) {
    const os = builtin('node:os') as { readonly availableParallelism?: () => number } | undefined // as Node documents it
    return threads.isMainThread ? attempt(() => os?.availableParallelism?.()) ?? 1 : 1
  }
  return engine.crossOriginIsolated === true && engine.Worker !== undefined ? engine.navigator?.hardwareConcurrency ?? 1 : 1
}

/** In Node a thread must not keep the process alive, and needs none of the options and loaders that the process was started with. */
const nodeHost = ({ Worker: Thread }: WorkerThreads, source: string, told: Told): Host => {
  const thread = new Thread(`(${source})(require('node:worker_threads').workerData)`, { eval: true, workerData: told, execArgv: [], env: {} })
  thread.on('error', () => undefined) // it takes no more chunks, and that is all
  thread.unref()
  return { end: () => { thread.terminate() } }
}

const pageHost = (Thread: typeof Worker, source: string, told: Told): Host => {
  const url = URL.createObjectURL(new Blob([`onmessage = ({ data }) => (${source})(data)`], { type: 'text/javascript' }))
  const thread = new Thread(url)
  thread.onerror = event => { event.preventDefault() }
  thread.postMessage(told)
  return { end: () => { thread.terminate() } }
}

/** Starts a thread; undefined if the engine has none or refuses. */
export const startHost = (source: string, told: Told): Host | undefined => attempt(() => {
  const threads = workerThreads()
  if (threads !== undefined) return nodeHost(threads, source, told)
  return engine.crossOriginIsolated === true && engine.Worker !== undefined ? pageHost(engine.Worker, source, told) : undefined
})

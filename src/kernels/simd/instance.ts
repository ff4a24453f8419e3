/**
 * The compiled kernels and the memory that they work in.
 *
 * The memory is reserved once and never grows, since growing would detach every view of it; the system gives it pages
 * when they are first used. It begins with the module's own data, and all the rest is the arena of `arena.ts`.
 *
 * @module
 */
import { binaries } from './binary.generated.js'

type Pointer = number
type Flag = 0 | 1

/** The exports of `assembly/index.ts`. Pointers are bytes, lengths count numbers. */
export interface Kernels {
  readonly gemmScratchBytes: { readonly value: number }
  readonly tileRows: { readonly value: number }
  readonly tileColumns: { readonly value: number }
  readonly gemm: (c: Pointer, a: Pointer, b: Pointer, batch: number, m: number, n: number, k: number, transposeA: Flag, transposeB: Flag, scratch: Pointer) => void
  readonly attentionWeights: (w: Pointer, q: Pointer, k: Pointer, keep: Pointer, matrices: number, heads: number, queries: number, keys: number, width: number, causal: Flag, scale: number, scratch: Pointer) => void
  readonly attend: (y: Pointer, w: Pointer, v: Pointer, keep: Pointer, matrices: number, heads: number, queries: number, keys: number, valueWidth: number, causal: Flag, scratch: Pointer) => void
  readonly attentionGradient: (dq: Pointer, dk: Pointer, dv: Pointer, q: Pointer, k: Pointer, v: Pointer, w: Pointer, dy: Pointer, keep: Pointer, matrices: number, heads: number, queries: number, keys: number, width: number, valueWidth: number, causal: Flag, scale: number, scratch: Pointer) => void
  readonly add: (y: Pointer, a: Pointer, b: Pointer, n: number) => void
  readonly multiply: (y: Pointer, a: Pointer, b: Pointer, n: number) => void
  readonly scale: (y: Pointer, a: Pointer, factor: number, n: number) => void
  readonly descend: (y: Pointer, theta: Pointer, g: Pointer, rate: number, n: number) => void
  readonly dot: (a: Pointer, b: Pointer, n: number) => number
  readonly exponential: (y: Pointer, x: Pointer, n: number) => void
  readonly sigmoid: (y: Pointer, x: Pointer, n: number) => void
  readonly sigmoidGradient: (dx: Pointer, y: Pointer, dy: Pointer, n: number) => void
  readonly tanh: (y: Pointer, x: Pointer, n: number) => void
  readonly tanhGradient: (dx: Pointer, y: Pointer, dy: Pointer, n: number) => void
  readonly relu: (y: Pointer, x: Pointer, n: number) => void
  readonly reluGradient: (dx: Pointer, x: Pointer, dy: Pointer, n: number) => void
  readonly leakyRelu: (y: Pointer, x: Pointer, slope: number, n: number) => void
  readonly leakyReluGradient: (dx: Pointer, x: Pointer, dy: Pointer, slope: number, n: number) => void
  readonly gelu: (y: Pointer, x: Pointer, n: number) => void
  readonly geluWithSlope: (y: Pointer, slope: Pointer, x: Pointer, n: number) => void
  readonly silu: (y: Pointer, x: Pointer, n: number) => void
  readonly siluWithSlope: (y: Pointer, slope: Pointer, x: Pointer, n: number) => void
  readonly adam: (nextTheta: Pointer, nextM: Pointer, nextV: Pointer, theta: Pointer, m: Pointer, v: Pointer, g: Pointer, rate: number, beta1: number, beta2: number, first: number, second: number, epsilon: number, decay: number, n: number) => void
  readonly addToRows: (y: Pointer, row: Pointer, rows: number, n: number) => void
  readonly appendRows: (y: Pointer, a: Pointer, b: Pointer, batch: number, first: number, second: number) => void
  readonly sumRows: (y: Pointer, x: Pointer, rows: number, n: number) => void
  readonly gatherRows: (y: Pointer, table: Pointer, ids: Pointer, count: number, n: number) => void
  readonly scatterAddRows: (table: Pointer, dy: Pointer, ids: Pointer, count: number, n: number) => void
  readonly splitHeads: (split: Pointer, merged: Pointer, batch: number, heads: number, time: number, width: number, parts: number, part: number, back: Flag) => void
  readonly softmax: (y: Pointer, x: Pointer, rows: number, n: number, scale: number) => void
  readonly softmaxGradient: (dx: Pointer, y: Pointer, dy: Pointer, rows: number, n: number, scale: number) => void
  readonly crossEntropy: (x: Pointer, targets: Pointer, rows: number, n: number, ignored: number, spare: Pointer) => number
  readonly crossEntropyGradient: (dx: Pointer, x: Pointer, targets: Pointer, rows: number, n: number, ignored: number, scale: number) => void
  readonly rowStatistics: (scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, x: Pointer, rows: number, n: number, epsilon: number) => void
  readonly layerNorm: (y: Pointer, x: Pointer, gamma: Pointer, beta: Pointer, scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, rows: number, n: number) => void
  readonly layerNormGradient: (dx: Pointer, dGamma: Pointer, dBeta: Pointer, x: Pointer, gamma: Pointer, scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, dy: Pointer, rows: number, n: number) => void
}

export interface Instance {
  readonly kind: keyof typeof binaries
  readonly kernels: Kernels
  readonly memory: WebAssembly.Memory
}

const PAGE = 2 ** 16
/** The largest of these that the system grants, in bytes. */
const RESERVATIONS = [2 ** 30, 2 ** 29, 2 ** 28, 2 ** 26]

const attempt = <A>(f: () => A): A | undefined => {
  try {
    return f()
  } catch {
    return undefined
  }
}

/** The largest memory that is granted; throws what the engine throws if it grants none. */
const reserve = (): WebAssembly.Memory => {
  const granted = (bytes: number) => new WebAssembly.Memory({ initial: bytes / PAGE, maximum: bytes / PAGE })
  for (const bytes of RESERVATIONS.slice(0, -1)) {
    const memory = attempt(() => granted(bytes))
    if (memory !== undefined) return memory
  }
  return granted(RESERVATIONS[RESERVATIONS.length - 1])
}

const CHOICES = ['fused', 'simd', 'reference'] as const

/** Which kernels there are: fused and plain SIMD, and the reference in TypeScript. */
export type KernelKind = typeof CHOICES[number]

/**
 * `PULLBACK_KERNELS` in the environment, or a global of that name: `reference` leaves all kernels to TypeScript; `simd`
 * does without fused operations, for the same bits on every machine; `fused` insists on them; nothing takes the best there
 * is. An environment that may not be read (Deno asks for a permission) names nothing.
 * Throws `RangeError` for anything else: who asks for the same bits must not get others for a slip of the pen.
 */
const wanted = (): KernelKind | undefined => {
  const { PULLBACK_KERNELS } = globalThis as { readonly PULLBACK_KERNELS?: string }
  const named = PULLBACK_KERNELS ?? attempt(() =>
    (globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> } }).process?.env?.PULLBACK_KERNELS)
  if (named === undefined || named === '') return undefined
  const known = CHOICES.find(choice => choice === named)
  if (known === undefined) throw new RangeError(`PULLBACK_KERNELS: expected ${CHOICES.join(', ')} or nothing, got "${named}"`)
  return known
}

const load = (kind: Instance['kind'], memory: WebAssembly.Memory): Instance => {
  const module = new WebAssembly.Module(Uint8Array.from(atob(binaries[kind]), letter => letter.charCodeAt(0)))
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } })
  // The exports of a module have no types of their own; `Kernels` states those of `assembly/index.ts`.
  return { kind, kernels: exports as unknown as Kernels, memory }
}

/** The kernels that were asked for, and no others: somebody asked for their bits. */
const loadAsked = (kind: Instance['kind']): Instance => {
  try {
    return load(kind, reserve())
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    throw new Error(`PULLBACK_KERNELS=${kind} was asked for, but WebAssembly refuses these kernels here (${why})`, { cause })
  }
}

const loadBest = (): Instance | undefined => attempt(() => {
  const memory = reserve()
  return attempt(() => load('fused', memory)) ?? load('simd', memory)
})

const asked = wanted()

/**
 * Undefined where `reference` was asked for, or nothing was and there is no WebAssembly with SIMD or no memory for it.
 * Fused operations need relaxed SIMD (Node 22, Node 20 with `--experimental-wasm-relaxed-simd`).
 * Throws `Error` at import if kernels were asked for by name and cannot be loaded.
 */
export const instance: Instance | undefined =
  asked === 'reference' ? undefined : asked === undefined ? loadBest() : loadAsked(asked)

/**
 * The kernels that compute in single precision here: `fused` or `simd` (WebAssembly, with and without fused multiplication
 * and addition), or `reference` (plain TypeScript, which every engine runs). They are chosen when the library is
 * imported and stay the same; `simd` gives the same bits on every machine.
 *
 * @category kernels
 */
export const kernelsInUse = (): KernelKind => instance?.kind ?? 'reference'

/** Where the arena begins: behind the module's own data. */
export const ARENA_BEGIN = PAGE

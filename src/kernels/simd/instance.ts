/**
 * The compiled kernels and the memory that they work in.
 *
 * The memory is shared: threads work in it, and it can grow without detaching the views that there are. It begins small. Where an
 * engine refuses shared memory, one that never grows is reserved, since growing would detach every view of it; the system gives it
 * pages when they are first used. It begins with the module's own data and what threads tell each other, and all the rest is the
 * arena of `arena.ts`.
 *
 * @module
 */
import { block, digits, lengths } from './binary.generated.js'
import { countSetting, setting } from './environment.js'

/** The place of an array in memory, in bytes. No other number is one. */
export type Pointer = number & { readonly place: unique symbol }

/**
 * What the functions of `assembly/index.ts` take: the places of what they write and read, and numbers. Behind these every one takes
 * the pieces from … to, the place of its scratch, and, if it prepares something for several calls, whether this is the first one for its job.
 */
export interface Arguments {
  readonly gemm: [c: Pointer, a: Pointer, b: Pointer, row: Pointer, batch: number, m: number, n: number, k: number, transposeA: number, transposeB: number]
  readonly addGemm: [c: Pointer, c0: Pointer, a: Pointer, b: Pointer, m: number, n: number, k: number, transposeA: number, transposeB: number]
  readonly attentionWeights: [w: Pointer, q: Pointer, k: Pointer, keep: Pointer, heads: number, queries: number, keys: number, width: number, causal: number, scale: number]
  readonly attention: [y: Pointer, top: Pointer, sum: Pointer, q: Pointer, k: Pointer, v: Pointer, keep: Pointer, heads: number, queries: number, keys: number, width: number, valueWidth: number, causal: number, scale: number]
  readonly attentionStep: [y: Pointer, q: Pointer, k: Pointer, v: Pointer, heads: number, queries: number, keys: number, width: number, valueWidth: number, scale: number]
  readonly attentionGradient: [dq: Pointer, dk: Pointer, dv: Pointer, q: Pointer, k: Pointer, v: Pointer, y: Pointer, top: Pointer, sum: Pointer, dy: Pointer, keep: Pointer, heads: number, queries: number, keys: number, width: number, valueWidth: number, causal: number, scale: number, apart: number]
  readonly add: [y: Pointer, a: Pointer, b: Pointer]
  readonly subtract: [y: Pointer, a: Pointer, b: Pointer]
  readonly multiply: [y: Pointer, a: Pointer, b: Pointer]
  readonly divide: [y: Pointer, a: Pointer, b: Pointer]
  readonly scale: [y: Pointer, a: Pointer, factor: number]
  readonly descend: [y: Pointer, theta: Pointer, g: Pointer, rate: number]
  readonly squaredErrorGradient: [dp: Pointer, p: Pointer, t: Pointer, scale: number]
  readonly dot: [a: Pointer, b: Pointer, n: number]
  readonly sum: [a: Pointer, n: number]
  readonly squaredError: [p: Pointer, t: Pointer, n: number]
  readonly dropout: [y: Pointer, x: Pointer, high: number, low: number, threshold: number, kept: number, n: number]
  readonly uniform: [y: Pointer, high: number, low: number, min: number, range: number]
  readonly normal: [y: Pointer, high: number, low: number, mean: number, deviation: number]
  readonly sigmoid: [y: Pointer, x: Pointer]
  readonly sigmoidGradient: [dx: Pointer, y: Pointer, dy: Pointer]
  readonly tanh: [y: Pointer, x: Pointer]
  readonly tanhGradient: [dx: Pointer, y: Pointer, dy: Pointer]
  readonly relu: [y: Pointer, x: Pointer]
  readonly reluGradient: [dx: Pointer, x: Pointer, dy: Pointer]
  readonly leakyRelu: [y: Pointer, x: Pointer, slope: number]
  readonly leakyReluGradient: [dx: Pointer, x: Pointer, dy: Pointer, slope: number]
  readonly gelu: [y: Pointer, x: Pointer]
  readonly geluWithSlope: [y: Pointer, slope: Pointer, x: Pointer]
  readonly silu: [y: Pointer, x: Pointer]
  readonly siluWithSlope: [y: Pointer, slope: Pointer, x: Pointer]
  readonly adam: [nextTheta: Pointer, nextM: Pointer, nextV: Pointer, theta: Pointer, m: Pointer, v: Pointer, g: Pointer, rate: number, beta1: number, beta2: number, first: number, second: number, epsilon: number, decay: number]
  readonly addRepeated: [y: Pointer, x: Pointer, row: Pointer, begin: number, n: number]
  readonly appendRows: [y: Pointer, a: Pointer, b: Pointer, first: number, second: number]
  readonly sumRows: [y: Pointer, x: Pointer, rows: number, n: number]
  readonly gatherRows: [y: Pointer, table: Pointer, ids: Pointer, n: number]
  readonly scatterAddRows: [table: Pointer, dy: Pointer, ids: Pointer, rows: number, count: number, n: number]
  readonly transpose: [y: Pointer, x: Pointer, rows: number, columns: number]
  readonly padRows: [y: Pointer, x: Pointer, n: number, total: number]
  readonly copyRows: [y: Pointer, x: Pointer, begin: number, stride: number, n: number]
  readonly splitHeads: [first: Pointer, second: Pointer, third: Pointer, merged: Pointer, heads: number, time: number, width: number, parts: number]
  readonly mergeHeads: [merged: Pointer, first: Pointer, second: Pointer, third: Pointer, heads: number, time: number, width: number, parts: number]
  readonly softmax: [y: Pointer, x: Pointer, n: number, scale: number]
  readonly softmaxGradient: [dx: Pointer, y: Pointer, dy: Pointer, n: number, scale: number]
  readonly crossEntropy: [x: Pointer, targets: Pointer, rows: number, n: number, ignored: number]
  readonly crossEntropyGradient: [dx: Pointer, x: Pointer, targets: Pointer, n: number, ignored: number, scale: number]
  readonly rowStatistics: [scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, x: Pointer, n: number, epsilon: number]
  readonly layerNorm: [y: Pointer, x: Pointer, gamma: Pointer, beta: Pointer, scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, n: number]
  readonly normalizedRows: [y: Pointer, x: Pointer, gamma: Pointer, beta: Pointer, n: number, epsilon: number]
  readonly layerNormGradient: [dx: Pointer, x: Pointer, gamma: Pointer, scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, dy: Pointer, n: number]
  readonly layerNormParamsGradient: [dGamma: Pointer, dBeta: Pointer, x: Pointer, scale: Pointer, mean: Pointer, rest: Pointer, inverse: Pointer, dy: Pointer, rows: number, n: number]
}

/** The exports of `assembly/index.ts`. Pointers are bytes, lengths count numbers. A kernel that writes nothing gives a number. */
export type Kernels = { readonly [K in keyof Arguments]: (...args: readonly number[]) => number | void } & {
  readonly gemmScratchBytes: { readonly value: number }
  readonly normalScratchBytes: { readonly value: number }
  readonly tileRows: { readonly value: number }
  readonly tileColumns: { readonly value: number }
  readonly attentionQueries: { readonly value: number }
  readonly attentionKeys: { readonly value: number }
  readonly attentionScratch: (width: number, valueWidth: number) => number
  readonly attentionStepScratch: (valueWidth: number) => number
  readonly attentionGradientScratch: (queries: number, width: number, valueWidth: number) => number
  /** Copies bytes, and sets bytes to 0: engines do that more slowly on shared memory. */
  readonly move: (to: number, from: number, bytes: number) => void
  readonly zero: (at: number, bytes: number) => void
}

export interface Instance {
  readonly kind: keyof typeof lengths
  readonly module: WebAssembly.Module
  readonly kernels: Kernels
  readonly memory: WebAssembly.Memory
  /** Bytes that the memory may grow to. */
  readonly limit: number
}

const PAGE = 2 ** 16
const PAGES_OF_MIB = 2 ** 20 / PAGE
/** How far a shared memory may grow, in pages: the farthest of these for which the system has room. */
const LIMITS = [2 ** 16, 2 ** 15, 2 ** 14, 2 ** 12]
/** Pages of a shared memory before anything is computed. */
const INITIAL = 2 * PAGES_OF_MIB
/** No memory may have more pages: by default as many as numbers of 32 bits can point to. */
const MOST = (countSetting('PULLBACK_MEMORY', 'MiB', INITIAL / PAGES_OF_MIB, 2 ** 16 / PAGES_OF_MIB) ?? 2 ** 16 / PAGES_OF_MIB) * PAGES_OF_MIB
/** Pages of a memory that is not shared: the largest of these that the system grants. */
const RESERVATIONS = [2 ** 14, 2 ** 13, 2 ** 12, 2 ** 10]

const attempt = <A>(f: () => A): A | undefined => {
  try {
    return f()
  } catch {
    return undefined
  }
}

type Reserved = Pick<Instance, 'memory' | 'limit'>

/** These numbers of pages, none of which is more than there may be. */
const within = (pages: readonly number[]): readonly number[] => Array.from(new Set(pages.map(wish => Math.min(wish, MOST))))

/** The best memory that is granted; throws what the engine throws if it grants none. */
const reserve = (): Reserved => {
  const wishes = [
    ...within(LIMITS).map(maximum => ({ initial: INITIAL, maximum, shared: true })),
    ...within(RESERVATIONS).map(pages => ({ initial: pages, maximum: pages }))
  ]
  // The last of all pages stays out of use: its end is no number of 32 bits.
  const granted = (wish: typeof wishes[number]): Reserved => ({ memory: new WebAssembly.Memory(wish), limit: Math.min(wish.maximum, 2 ** 16 - 1) * PAGE })
  for (const wish of wishes.slice(0, -1)) {
    const reserved = attempt(() => granted(wish))
    if (reserved !== undefined) return reserved
  }
  return granted(wishes[wishes.length - 1])
}

/** Whether threads can work in a memory, and whether it can grow. */
export const isShared = ({ buffer }: WebAssembly.Memory): boolean => !(buffer instanceof ArrayBuffer)

/** Behind the names of the memory that a module imports, whether it is shared and has a maximum. */
const IMPORT = [3, ...Array.from('env', letter => letter.charCodeAt(0)), 6, ...Array.from('memory', letter => letter.charCodeAt(0)), 2]
const MAXIMUM_ONLY = 1

/** The same module for a memory that is not shared: one bit of it. */
const unshared = (binary: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  const at = binary.findIndex((_, i) => IMPORT.every((byte, j) => binary[i + j] === byte)) + IMPORT.length
  return binary.map((byte, i) => (i === at ? MAXIMUM_ONLY : byte))
}

const CHOICES = ['wide', 'fused', 'simd', 'reference'] as const

/** Which kernels there are: fused SIMD for wide vectors and for others, plain SIMD, and the reference in TypeScript. */
export type KernelKind = typeof CHOICES[number]

/**
 * `PULLBACK_KERNELS` in the environment, or a global of that name: `reference` leaves all kernels to TypeScript; `simd`
 * does without fused operations, for the same bits on every machine; `fused` insists on them, and `wide` on those for engines that
 * compute in wide vectors; nothing takes the best there is. Throws `RangeError` for anything else: a spelling mistake must not give other
 * bits than those asked for.
 */
const wanted = (): KernelKind | undefined => {
  const named = setting('PULLBACK_KERNELS')
  if (named === undefined) return undefined
  const known = CHOICES.find(choice => choice === named)
  if (known === undefined) throw new RangeError(`PULLBACK_KERNELS: expected ${CHOICES.join(', ')} or nothing, got "${named}"`)
  return known
}

/** The value of a hexadecimal digit, by its character. */
const valueOf = (code: number): number => (code < 58 ? code - 48 : code - 87)

/** The bytes of a module, from its turns. */
const binaryOf = (kind: Instance['kind']): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(lengths[kind])
  let at = 0
  for (let begin = 0; begin < bytes.length; begin += block)
    for (const [turn, length] of Object.entries(lengths)) {
      const size = Math.min(Math.max(length - begin, 0), block)
      if (turn === kind)
        for (let i = 0; i < size; i++) bytes[begin + i] = 16 * valueOf(digits.charCodeAt(at + 2 * i)) + valueOf(digits.charCodeAt(at + 2 * i + 1))
      at += 2 * size
    }
  return bytes
}

const load = (kind: Instance['kind'], { memory, limit }: Reserved): Instance => {
  const binary = binaryOf(kind)
  const module = new WebAssembly.Module(isShared(memory) ? binary : unshared(binary))
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } })
  // The exports of a module have no types of their own; `Kernels` states those of `assembly/index.ts`.
  return { kind, module, kernels: exports as unknown as Kernels, memory, limit }
}

/** The kernels that were asked for, and no others: somebody asked for their bits. */
const loadAsked = (kind: Instance['kind']): Instance => {
  try {
    return load(kind, reserve())
  } catch (cause) {
    throw new Error(`PULLBACK_KERNELS=${kind} was asked for, but WebAssembly refuses these kernels here (${reasonOf(cause)})`, { cause })
  }
}

/** What is known of the process that the library runs in. */
interface Engine {
  readonly PULLBACK_WIDE?: boolean
  readonly process?: { readonly arch?: string, readonly execArgv?: readonly string[], readonly versions?: { readonly node?: string } }
}

/**
 * Whether the engine fuses neighbouring vectors of four numbers into one of eight: V8 does from Node 24 on, on x64, if it was started
 * with `--experimental-wasm-revectorize` or `pullback/wide` has told it to. Elsewhere a tile of that size would not fit its registers.
 */
const widens = (): boolean => attempt(() => {
  const { PULLBACK_WIDE, process } = globalThis as Engine
  const version = Number(process?.versions?.node?.split('.')[0] ?? 0)
  return version >= 24 && process?.arch === 'x64' && (PULLBACK_WIDE === true || process.execArgv?.includes('--experimental-wasm-revectorize') === true)
}) ?? false

const reasonOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))

/** The best kernels, or the reason why there are none. */
const loadBest = (): Instance | string => {
  try {
    const reserved = reserve()
    return (widens() ? attempt(() => load('wide', reserved)) : undefined) ?? attempt(() => load('fused', reserved)) ?? load('simd', reserved)
  } catch (cause) {
    return `WebAssembly refuses kernels here (${reasonOf(cause)})`
  }
}

const asked = wanted()
const loaded = asked === 'reference' ? undefined : asked === undefined ? loadBest() : loadAsked(asked)

/**
 * Undefined where `reference` was asked for, or nothing was and there is no WebAssembly with SIMD or no memory for it.
 * Fused operations need relaxed SIMD (Node 22, Node 20 with `--experimental-wasm-relaxed-simd`).
 * Throws `Error` at import if kernels were asked for by name and cannot be loaded.
 */
export const instance: Instance | undefined = typeof loaded === 'string' ? undefined : loaded

/** Why there is no instance although nobody asked for the reference. */
export const refusal: string | undefined = typeof loaded === 'string' ? loaded : undefined

/**
 * The kernels that compute in single precision here: `fused` or `simd` (WebAssembly, with and without fused multiplication
 * and addition), or `reference` (plain TypeScript, which every engine runs); `wide` are fused kernels, with the same bits, for an
 * engine that computes in wide vectors. They are chosen when the library is imported and stay the same; `simd` gives the same
 * bits on every machine.
 *
 * @example
 * ['wide', 'fused', 'simd', 'reference'].includes(kernelsInUse()) // true
 *
 * @category kernels
 */
export const kernelsInUse = (): KernelKind => instance?.kind ?? 'reference'

/** Where the arena begins: behind the module's own data and what threads tell each other. */
export const ARENA_BEGIN = PAGE
/** Where that is. */
export const CONTROL_BEGIN = PAGE / 2

/**
 * Lets Node 20 use the kernels with fused operations, as later versions do from the start. To be imported before the
 * library, which chooses its kernels when it is loaded.
 */
import { setFlagsFromString } from 'node:v8'

if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd')

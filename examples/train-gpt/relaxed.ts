/**
 * Lets Node 20 use the kernels with fused operations, as later versions do from the start, and Node 24 those for wide vectors. To be
 * imported before the library, which chooses its kernels when it is loaded.
 */
import 'pullback/wide'
import { setFlagsFromString } from 'node:v8'

if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd')

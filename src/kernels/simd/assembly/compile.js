/**
 * Compiles the kernels and writes them as a TypeScript module, so that importing the library needs no file and no
 * `await`: node src/kernels/simd/assembly/compile.js
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const here = fileURLToPath(new URL('.', import.meta.url))
const binaryName = 'kernels.wasm'
const flags = [
  'index.ts', '--outFile', binaryName, '--baseDir', here, '--enable', 'simd', '--enable', 'threads', '--runtime', 'stub', '--importMemory',
  '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536', '-O3', '--shrinkLevel', '1', '--noAssert', '--converge', '--disableWarning', '201'
]

const compiled = async (...features) => {
  let binary
  const { error, stderr } = await asc.main([...flags, ...features], {
    writeFile: (name, contents) => { if (name === binaryName) binary = contents }
  })
  if (error !== null || binary === undefined) {
    process.stderr.write(stderr.toString())
    throw error ?? new Error('the compiler wrote no binary')
  }
  return Buffer.from(binary)
}

/**
 * Bytes of a block. The binaries are alike, so they are written in turns, block by block: what compresses a file for a page finds in one what
 * it has seen in another a block before. In hexadecimal digits, since bytes that begin within a digit would look different each time.
 */
const BLOCK = 4096

const binaries = {
  wide: await compiled('--enable', 'relaxed-simd', '--use', 'WIDE=1'),
  fused: await compiled('--enable', 'relaxed-simd', '--use', 'WIDE=0'),
  simd: await compiled('--use', 'WIDE=0')
}
const entries = Object.entries(binaries)
let digits = ''
for (let begin = 0; entries.some(([, { length }]) => length > begin); begin += BLOCK)
  for (const [, binary] of entries) digits += binary.subarray(begin, begin + BLOCK).toString('hex')

await writeFile(new URL('../binary.generated.ts', import.meta.url), `/**
 * The kernels of \`assembly/\`, compiled to WebAssembly: with fused multiplication and addition, for wide vectors and for others, and without.
 * Their bytes in hexadecimal digits, in turns of so many.
 */
export const block = ${BLOCK}
/** Bytes of each, in the order of their turns. */
export const lengths = { ${entries.map(([kind, { length }]) => `${kind}: ${length}`).join(', ')} }
export const digits = '${digits}'
`)

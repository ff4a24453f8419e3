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
  '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536', '-O3', '--noAssert', '--converge', '--disableWarning', '201'
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
  return Buffer.from(binary).toString('base64')
}

await writeFile(new URL('../binary.generated.ts', import.meta.url), `/** The kernels of \`assembly/\`, compiled to WebAssembly, in base64: with fused multiplication and addition, for wide vectors and for others, and without. */
export const binaries = {
  wide: '${await compiled('--enable', 'relaxed-simd', '--use', 'WIDE=1')}',
  fused: '${await compiled('--enable', 'relaxed-simd', '--use', 'WIDE=0')}',
  simd: '${await compiled('--use', 'WIDE=0')}'
}
`)

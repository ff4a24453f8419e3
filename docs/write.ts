/**
 * Writes the pages of the derivations: npm run derivations
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { pages } from './pages.js'

const folder = new URL('derivations/', import.meta.url)
await rm(folder, { recursive: true, force: true })
await mkdir(folder)
const all = pages()
await Promise.all(Array.from(all, ([file, text]) => writeFile(new URL(file, folder), text)))
console.log(`${all.size} pages in docs/derivations`)

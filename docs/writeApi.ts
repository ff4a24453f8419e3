/**
 * Writes the page of all public functions: npm run api
 */
import { writeFile } from 'node:fs/promises'
import { entries, page } from './api.js'

const all = entries()
await writeFile(new URL('api.md', import.meta.url), page(all))
console.log(`${all.length} functions in docs/api.md`)

/**
 * Serves the built site: npm run docs:preview [-- --port 4173]
 */
import { parseArgs } from 'node:util'
import { serve } from './serve.js'

const { values: { port } } = parseArgs({ options: { port: { type: 'string', default: '4173' } } })
await serve(Number(port))
console.log(`http://127.0.0.1:${port}/`)

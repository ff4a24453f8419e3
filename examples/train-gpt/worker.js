/**
 * The script of a worker: a new thread knows no TypeScript until it is told of it.
 */
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')

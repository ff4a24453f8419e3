/**
 * The built site as a good host serves it: isolated from other origins, so that kernels use threads.
 */
import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'

/** Listens on a port of this machine alone; 0 takes a free one. */
export const serve = (port: number): Promise<Server> => {
  const files = sirv(fileURLToPath(new URL('site/.vitepress/dist/', import.meta.url)), { etag: true })
  const server = createServer((request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    files(request, response, () => {
      response.statusCode = 404
      response.end('not found')
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => { resolve(server) })
  })
}

/**
 * The built site as a good host serves it: isolated from other origins, so that kernels use threads.
 */
import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { workerPolicy } from './policy.js'

/** Listens on a port of this machine alone; 0 takes a free one. The site lies at `path`, which begins and ends with a slash. */
export const serve = (port: number, path = '/'): Promise<Server> => {
  const files = sirv(fileURLToPath(new URL('site/.vitepress/dist/', import.meta.url)), { etag: true })
  const server = createServer((request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    if (/\.worker-[^/]*\.js$/.test(request.url ?? '')) response.setHeader('Content-Security-Policy', workerPolicy)
    if (request.url?.startsWith(path) === true) request.url = `/${request.url.slice(path.length)}`
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

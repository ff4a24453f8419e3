/**
 * What pages of the site may do: load what comes with the site, compile the kernels, and nothing else. It stands in every page, so it
 * holds on a host that sends no headers; `serve.ts` sends it too.
 */
import { createHash } from 'node:crypto'

const hashOf = (script: string): string => `'sha256-${createHash('sha256').update(script).digest('base64')}'`

/**
 * The policy of a page whose scripts are files, but for those given. Formulae and highlighted code have their sizes and colours in
 * attributes, and the editor writes its own sheet of styles, so styles may be inline. Threads of kernels come from a blob.
 */
export const pagePolicy = (inlineScripts: readonly string[]): string => [
  "default-src 'none'", `script-src 'self' 'wasm-unsafe-eval' ${inlineScripts.map(hashOf).join(' ')}`.trim(), "worker-src 'self' blob:", "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:", "font-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'"
].join('; ')

/** The policy of a worker, in which a reader's code is evaluated; it may ask nothing of any address but for the site's own modules. */
export const workerPolicy = "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:"

/** A page with its policy before everything that it loads. */
export const withPolicy = (html: string): string => {
  const inline = Array.from(html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g), ([, script]) => script)
  return html.replace('<meta charset="utf-8">', `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${pagePolicy(inline)}">`)
}

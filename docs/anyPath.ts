/**
 * Makes the built site work from any path: `/`, `/docs/`, `/a/b/`. VitePress builds for one path; it is built for a marker, and here
 * the marker becomes an address relative to the file that holds it. Pages get `../` as deep as they lie, scripts ask where they are.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import MagicString from 'magic-string'
import { parseAst } from 'rollup/parseAst'
import { MARKER } from './marker.js'

const upFrom = (file: string): string => '../'.repeat(file.split('/').length - 1)

interface Node { readonly type: string, readonly start: number, readonly end: number }

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value && 'start' in value && 'end' in value

/** Texts and pieces of templates with the marker, and whether they are a piece of a template. */
const places = (value: unknown, code: string): readonly Node[] => {
  if (Array.isArray(value)) return value.flatMap(item => places(item, code))
  if (!isNode(value) || !code.slice(value.start, value.end).includes(MARKER)) return []
  if (value.type === 'TemplateElement' || value.type === 'Literal') return [value]
  return Object.values(value).flatMap(child => places(child, code))
}

const scriptAt = (file: string, code: string): string => {
  const result = new MagicString(code), base = 'pathOfTheSite'
  result.prepend(`var ${base}=new URL(${JSON.stringify(`./${upFrom(file)}`)},import.meta.url).pathname;`)
  for (const { type, start, end } of places(parseAst(code), code)) {
    const text = code.slice(start, end)
    const quote = text.charAt(0)
    result.overwrite(start, end, type === 'TemplateElement' ? text.replaceAll(MARKER, `\${${base}}`) : `(${text.replaceAll(MARKER, `${quote}+${base}+${quote}`)})`)
  }
  return result.toString()
}

const relative = (file: string, text: string): string => text.replaceAll(MARKER, upFrom(file) || './')

const dist = new URL('site/.vitepress/dist/', import.meta.url)

for (const file of await readdir(dist, { recursive: true })) {
  if (!/\.(html|js|css)$/.test(file)) continue
  const place = new URL(file, dist), text = await readFile(place, 'utf8')
  if (!text.includes(MARKER)) continue
  const changed = file.endsWith('.js') ? scriptAt(file, text) : relative(file, text)
  if (changed.includes(MARKER)) throw new Error(`${file} still holds the path that the site was built for`)
  await writeFile(place, changed)
}

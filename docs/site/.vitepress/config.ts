import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { katex } from '@mdit/plugin-katex'
import { defineConfig } from 'vitepress'
import { scrollable } from '../../generate/scrollable.js'
import { MARKER } from '../../marker.js'
import { withPolicy } from '../../policy.js'
import apiSidebar from './generated/apiSidebar.json'
import derivationSidebar from './generated/derivationSidebar.json'
import { pathSidebar } from './pathSidebar.js'
import { verbatim } from './verbatim.js'

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** While it is written the site lies at `/`; built, at whatever path it is put (`anyPath.ts`). */
const build = process.argv.includes('build')
const base = build ? MARKER : '/'

type Highlight = (code: string, lang: string, attributes: string) => string

const highlighted = new Map<string, string>()

/** Every page is rendered twice, as a page and for the search, and pages share code. */
const once = (highlight: Highlight): Highlight => (code, lang, attributes) => {
  const key = JSON.stringify([code, lang, attributes]), html = highlighted.get(key) ?? highlight(code, lang, attributes)
  highlighted.set(key, html)
  return html
}

export default defineConfig({
  title: 'Pullback',
  description: 'Neural networks and transformers as pure functions. Gradients derived by hand, run and checked before your eyes.',
  lang: 'en',
  base,
  cleanUrls: false,
  // What pages know of each other lies in a file and not in a script inside of the page, which a strict policy would refuse.
  metaChunk: true,
  transformHtml: withPolicy,
  lastUpdated: false,
  // It would take links in pictures for links in the text, and fetch pages that nobody asked for.
  router: { prefetchLinks: false },
  // Plain pages, which the build does not know; a test follows every link.
  ignoreDeadLinks: [/^\/source\//],
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `data:image/svg+xml,${encodeURIComponent(readFileSync(fromRoot('docs/site/icon.svg'), 'utf8').trim())}` }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: md => {
      // The plugin's types are of another version of the parser's.
      md.use(katex as never, { output: 'htmlAndMathml', throwOnError: true, strict: 'error', transformer: scrollable })
      const { highlight } = md.options
      if (highlight) md.options.highlight = once(highlight)
    }
  },
  themeConfig: {
    nav: [
      { text: 'The path', link: '/path/', activeMatch: '^/path/' },
      { text: 'Derivations', link: '/derivations/', activeMatch: '^/derivations/' },
      { text: 'Map', link: '/map' },
      { text: 'Playground', link: '/playground/', activeMatch: '^/playground/' },
      { text: 'Reference', link: '/api/', activeMatch: '^/api/' }
    ],
    sidebar: { '/derivations/': derivationSidebar, '/path/': pathSidebar(), '/api/': apiSidebar },
    outline: [2, 3],
    search: { provider: 'local' }
  },
  vue: { template: { compilerOptions: { nodeTransforms: [verbatim(build)] } } },
  vite: {
    resolve: {
      alias: [
        { find: /^pullback$/, replacement: fromRoot('src/index.ts') },
        { find: /^pullback\/laws$/, replacement: fromRoot('laws/index.ts') },
        // The same code as modules, of which a bundler leaves out what is not used.
        { find: /^fp-ts\/lib\/(.*)\.js$/, replacement: fromRoot('node_modules/fp-ts/es6/$1.js') }
      ]
    },
    worker: { format: 'es' },
    build: { target: 'es2022', chunkSizeWarningLimit: 1500 },
    server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } }
  }
})

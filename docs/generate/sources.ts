/**
 * The source files as plain pages, whose lines can be linked to: `source/src-layers-softmax.html#L40`. They need no script but the
 * one that knows the reader's choice of light or dark.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createHighlighter, type ShikiTransformer, type ThemeRegistrationResolved } from 'shiki'
import { withPolicy } from '../policy.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The name of the page of a file. */
export const sourcePage = (file: string): string => `${file.replace(/\.ts$/, '').replace(/\//g, '-')}.html`

const filesIn = (folder: string): readonly string[] => readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts') && !file.endsWith('.generated.ts')).map(file => `${folder}/${file}`).sort()

const STYLE = `
body { margin: 0; background: #fff; color: #1f2328; font: 16px/1.6 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 4px 24px; padding: 16px 24px; border-bottom: 1px solid #d0d7de; }
header a { color: #0550ae; }
h1 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
pre { margin: 0; padding: 16px 0; overflow-x: auto; font: 13.5px/1.6 ui-monospace, Menlo, monospace; }
pre:focus-visible { outline: 3px solid #0969da; outline-offset: -3px; }
code { counter-reset: line; display: inline-block; min-width: 100%; }
.line { counter-increment: line; scroll-margin-top: 30vh; padding-right: 24px; }
.line::before { content: counter(line); display: inline-block; width: 3.5em; margin-right: 1.5em; text-align: right; color: #57606a; }
.line:target { background: #fff3c4; display: inline-block; min-width: 100%; }
html.dark body { background: #0d1117; color: #e6edf3; } html.dark header { border-color: #3d444d; } html.dark header a { color: #79b8ff; }
html.dark .line::before { color: #a8b1bb; } html.dark .line:target { background: #3b3000; }
html.dark .shiki, html.dark .shiki span { color: var(--shiki-dark) !important; background-color: var(--shiki-dark-bg) !important; }
html.dark .line:target, html.dark .line:target span { background-color: #3b3000 !important; }
html:not(.dark) .shiki { background: #fff !important; }`

const LIGHT = 'github-light-high-contrast', DARK = 'github-dark-high-contrast'

/** For each colour of text of one theme that of another with the same rules. */
const colours = (from: ThemeRegistrationResolved, to: ThemeRegistrationResolved): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  from.settings.forEach(({ scope, settings: { foreground = '', fontStyle } }, i) => {
    const { scope: same, settings: { foreground: other = '', fontStyle: style } } = to.settings[i]
    const key = foreground.toUpperCase(), colour = other.toUpperCase()
    if (JSON.stringify([scope, fontStyle]) !== JSON.stringify([same, style]) || (found.get(key) ?? colour) !== colour) throw new Error(`${LIGHT} and ${DARK} differ in more than colours`)
    found.set(key, colour)
  })
  return found
}

/** Adds the colours for the dark. To read the code once for each theme takes twice as long, and the two have the same rules. */
const inBothModes = (light: ThemeRegistrationResolved, dark: ThemeRegistrationResolved): ShikiTransformer => {
  const darkOf = colours(light, dark)
  const inDark = (style: string): string => style.split(';').map(rule => {
    const [property, value] = rule.split(':')
    return property === 'color' ? `--shiki-dark:${darkOf.get(value) ?? value}` : `--shiki-dark-${property}:${value}`
  }).join(';')
  return {
    name: 'modes',
    span(node) { node.properties.style = `${String(node.properties.style)};${inDark(String(node.properties.style))}` },
    pre(node) {
      node.properties.class = `shiki shiki-themes ${LIGHT} ${DARK}`
      node.properties.style = `background-color:${light.bg};--shiki-dark-bg:${dark.bg};color:${light.fg};--shiki-dark:${dark.fg}`
    }
  }
}

export const sourcePages = async (): Promise<ReadonlyMap<string, string>> => {
  const highlighter = await createHighlighter({ themes: [LIGHT, DARK], langs: ['ts'] }), modes = inBothModes(highlighter.getTheme(LIGHT), highlighter.getTheme(DARK))
  const pageOf = (file: string): string => {
    const code = highlighter.codeToHtml(readFileSync(root + file, 'utf8').trimEnd(), {
      lang: 'ts', theme: LIGHT, transformers: [modes, { name: 'anchors', line(node, line) { node.properties.id = `L${line}` } }]
    })
    return withPolicy(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${file} | Pullback</title>
<link rel="icon" href="data:,">
<script src="../mode.js"></script>
<style>${STYLE}</style>
</head>
<body>
<header><a href="../index.html">Pullback</a><a href="../api/index.html">Reference</a><h1>${file}</h1></header>
<main>${code}</main>
</body>
</html>
`)
  }
  return new Map(['src', 'laws'].flatMap(filesIn).map(file => [sourcePage(file), pageOf(file)]))
}

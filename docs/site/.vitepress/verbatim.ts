/**
 * Formulae and highlighted code of the derivations as texts. As trees they would be most of the site's modules, and a bundler looks at
 * every node of a tree many times.
 */
import { createSimpleExpression, type NodeTransform } from '@vue/compiler-core'

/** What is `v-pre`, and what KaTeX wrote, has nothing in it for Vue. */
const VERBATIM = /^<[a-z]+(?=[^>]*(?:\sv-pre[\s=>]|\sclass="katex(?:-display)?"))[^>]*>/

/** `ELEMENT`, `DIRECTIVE` and `CAN_STRINGIFY` of Vue's enumerations, which exist only as types. */
const ELEMENT = 1, DIRECTIVE = 7, CONSTANT = 3

/**
 * Makes the inside of such an element its `v-html`, in a page that shows all of its slots from the beginning. The HTML of a page that
 * is opened first has the formulae already; for its script VitePress leaves out what lies between its marks, as in static nodes.
 */
export const verbatim = (build: boolean): NodeTransform => (node, { filename, ssr }) => {
  if (node.type !== ELEMENT || !/\/derivations\/[^/]+\.md$/.test(filename) || !VERBATIM.test(node.loc.source)) return
  const first = node.children[0], last = node.children.at(-1)
  if (first === undefined || last === undefined) return
  const start = node.loc.start.offset
  const source = node.loc.source.slice(first.loc.start.offset - start, last.loc.end.offset - start)
  // Vue takes a new line for a space, too, but not in code.
  const html = node.tag === 'pre' ? source : source.replace(/\n/g, ' ')
  const text = JSON.stringify(build && !ssr ? `__VP_STATIC_START__${html}__VP_STATIC_END__` : html)
  node.children = []
  node.props.push({ type: DIRECTIVE, name: 'html', exp: createSimpleExpression(text, false, node.loc, CONSTANT), arg: undefined, modifiers: [], loc: node.loc })
}

/**
 * Formulae that a phone cannot show as a whole.
 */

/** As many signs may be wider than a phone. */
const MANY = 20

/** A formula that may have to be scrolled can be reached by keyboard; the page takes this back where it fits. */
export const scrollable = (html: string): string => {
  const signs = html.replace(/^[\s\S]*<span class="katex-html"[^>]*>/, '').replace(/<[^>]*>|\u200b/g, '')
  return signs.length > MANY ? html.replace('<span class="katex-display">', '<span class="katex-display" tabindex="0">') : html
}

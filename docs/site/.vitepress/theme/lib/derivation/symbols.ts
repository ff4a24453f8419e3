/**
 * What a symbol of a formula is, shown while it is pointed at, touched or focused, and every place of it in the formula marked.
 */

const meaningOf = (id: string): Node | undefined => document.querySelector(`[data-meaning="${CSS.escape(id)}"]`)?.cloneNode(true)

/** Fills a note for the symbols of the page; returns what ends this. */
export const watchSymbols = (note: HTMLElement): (() => void) => {
  let shown: Element | undefined

  const hide = (): void => {
    for (const marked of document.querySelectorAll('.is-symbol')) marked.classList.remove('is-symbol')
    document.querySelector('[aria-describedby="pb-symbol"]')?.removeAttribute('aria-describedby')
    note.hidden = true
    shown = undefined
  }

  const place = (over: Element): void => {
    const at = over.getBoundingClientRect(), formula = (over.closest('.pb-formula') ?? over).getBoundingClientRect(), parent = (note.offsetParent ?? document.body).getBoundingClientRect()
    const { offsetWidth: width, offsetHeight: height } = note
    const left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, document.documentElement.clientWidth - width - 8))
    // Above the whole formula, which stays visible.
    const top = formula.top - height - 4 > 72 ? formula.top - height - 4 : formula.bottom + 4
    note.style.left = `${left - parent.left}px`
    note.style.top = `${top - parent.top}px`
  }

  const show = (symbol: Element): void => {
    if (symbol === shown) return
    hide()
    const id = symbol.getAttribute('data-l'), formula = symbol.closest('.pb-formula')
    if (id === null || formula === null) return
    const chip = formula.querySelector(`.pb-chip[data-l="${CSS.escape(id)}"]`), meaning = meaningOf(id)
    if (chip === null) return
    shown = symbol
    for (const same of formula.querySelectorAll(`[data-l="${CSS.escape(id)}"]`)) same.classList.add('is-symbol')
    const name = document.createElement('strong')
    name.append(...Array.from(chip.childNodes, node => node.cloneNode(true)))
    for (const shape of name.querySelectorAll('.pb-shape')) shape.prepend(' ')
    note.replaceChildren(name, ...(meaning === undefined ? [] : [document.createElement('br'), meaning]))
    note.hidden = false
    if (symbol === chip) chip.setAttribute('aria-describedby', 'pb-symbol')
    place(symbol)
  }

  const symbolAt = (event: Event): Element | undefined => (event.target instanceof Element ? event.target.closest('.pb-formula [data-l]') ?? undefined : undefined)

  const over = (event: Event): void => {
    const symbol = symbolAt(event)
    if (symbol !== undefined) show(symbol)
    else if (shown !== undefined && document.activeElement !== shown) hide()
  }
  const out = (): void => { hide() }
  const key = (event: KeyboardEvent): void => { if (event.key === 'Escape') hide() }
  document.addEventListener('pointerover', over)
  document.addEventListener('pointerdown', over)
  document.addEventListener('focusin', over)
  document.addEventListener('focusout', out)
  document.addEventListener('keydown', key)
  return () => {
    hide()
    document.removeEventListener('pointerover', over)
    document.removeEventListener('pointerdown', over)
    document.removeEventListener('focusin', over)
    document.removeEventListener('focusout', out)
    document.removeEventListener('keydown', key)
  }
}

/** What is wider than the page can be scrolled by keyboard, too. */
export const makeScrollable = (): void => {
  for (const wide of document.querySelectorAll<HTMLElement>('.vp-doc .katex-display, .vp-doc table')) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0
    else wide.removeAttribute('tabindex')
  }
}

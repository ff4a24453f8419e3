/**
 * Colours for canvases, from the variables of the page, so that both modes have their own.
 */

export type Colour = readonly [red: number, green: number, blue: number]

/** A colour as the browser computes it: `rgb(1, 2, 3)` or `#010203`. */
export const colourFrom = (text: string): Colour => {
  const short = /^#([0-9a-f]{3})$/i.exec(text.trim()), long = /^#([0-9a-f]{6})$/i.exec(text.trim())
  const digits = long?.[1] ?? (short === null ? undefined : Array.from(short[1], digit => digit + digit).join(''))
  const [red = 128, green = 128, blue = 128] = digits === undefined
    ? (text.match(/[\d.]+/g) ?? []).map(Number)
    : [0, 2, 4].map(at => parseInt(digits.slice(at, at + 2), 16))
  return [red, green, blue]
}

/** The variable of an element. */
export const variable = (element: Element, name: string): Colour => colourFrom(getComputedStyle(element).getPropertyValue(name))

/** From a at 0 to b at 1. */
export const mixed = (a: Colour, b: Colour, part: number): Colour => {
  const at = (i: 0 | 1 | 2): number => a[i] + (b[i] - a[i]) * Math.min(1, Math.max(0, part))
  return [at(0), at(1), at(2)]
}

/** Draws a square of so many cells on a side, one pixel each; a cell without a colour stays empty. */
export const paint = (canvas: HTMLCanvasElement, size: number, colourAt: (index: number) => Colour | undefined): void => {
  const context = canvas.getContext('2d')
  if (context === null) return
  if (canvas.width !== size) canvas.width = canvas.height = size
  const image = context.createImageData(size, size)
  for (let i = 0; i < size * size; i++) {
    const colour = colourAt(i)
    if (colour === undefined) continue
    image.data.set(colour, 4 * i)
    image.data[4 * i + 3] = 255
  }
  context.putImageData(image, 0, 0)
}

/**
 * The line on which a function on a grid has the value 0, by marching squares. (W. Lorensen, H. Cline, *Marching Cubes*, 1987, in the plane.)
 */

type Place = readonly [x: number, y: number]

/**
 * Pieces of the line, in units of cells: entry (row, column) of the grid stands at (column + ½, row + ½). Where two opposite corners
 * agree against the others, the mean of all four decides which of them are joined.
 */
export const zeroLine = (size: number, values: ArrayLike<number>): readonly (readonly [Place, Place])[] => {
  const pieces: (readonly [Place, Place])[] = []
  for (let row = 0; row + 1 < size; row++)
    for (let column = 0; column + 1 < size; column++) {
      const at = row * size + column
      const [a, b, c, d] = [values[at], values[at + 1], values[at + size + 1], values[at + size]] // clockwise from the upper left
      const x = column + 0.5, y = row + 0.5
      const part = (from: number, to: number): number => from / (from - to)
      // Where the line leaves the square: its upper, right, lower and left side.
      const sides: readonly (Place | undefined)[] = [
        a > 0 !== b > 0 ? [x + part(a, b), y] : undefined,
        b > 0 !== c > 0 ? [x + 1, y + part(b, c)] : undefined,
        d > 0 !== c > 0 ? [x + part(d, c), y + 1] : undefined,
        a > 0 !== d > 0 ? [x, y + part(a, d)] : undefined
      ]
      const [up, right, down, left] = sides
      if (up !== undefined && right !== undefined && down !== undefined && left !== undefined)
        pieces.push(...(a + b + c + d > 0 === a > 0 ? [[up, right], [down, left]] as const : [[left, up], [right, down]] as const))
      else {
        const [from, to] = sides.filter(side => side !== undefined)
        if (from !== undefined && to !== undefined) pieces.push([from, to])
      }
    }
  return pieces
}

/** The same as the path of an SVG. */
export const linePath = (pieces: readonly (readonly [Place, Place])[], scale: number): string => {
  const show = (x: number): string => (x * scale).toFixed(1)
  return pieces.map(([[x, y], [toX, toY]]) => `M${show(x)} ${show(y)}L${show(toX)} ${show(toY)}`).join('')
}

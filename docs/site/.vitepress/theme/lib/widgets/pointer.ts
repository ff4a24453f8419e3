/**
 * What pointer and keys mean in a picture.
 */
import type { Point } from './plane.js'

/** Where an event is, in the units of its picture. */
export const placeIn = (event: PointerEvent): Point | undefined => {
  const { currentTarget } = event
  if (!(currentTarget instanceof SVGElement)) return undefined
  const picture = currentTarget instanceof SVGSVGElement ? currentTarget : currentTarget.ownerSVGElement
  const matrix = picture?.getScreenCTM()
  if (matrix === null || matrix === undefined) return undefined
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse())
  return [x, y]
}

const STEPS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1], PageDown: [0, -5], PageUp: [0, 5]
}

/** The steps to the right and upwards that a key stands for; with Shift five times as many. */
export const stepsOf = ({ key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>): Point | undefined => {
  if (!Object.hasOwn(STEPS, key)) return undefined
  const [x, y] = STEPS[key], times = shiftKey ? 5 : 1
  return [times * x, times * y]
}

import type { Ellipse } from '../../api/calls.ts'
import type { Point } from './crop.ts'

/** What a person takes hold of to change the rim. */
export type Handle = 'centre' | 'long' | 'short' | 'turn'

/** Parts of the photo's width that an arrow key moves a handle; with Shift, ten times that. */
export const keyStep = 0.005

const least = 0.02
const most = 1

/** Where the handles lie, in the same measure as the ellipse. The turning one is a little outside of the first axis. */
export function handlesOf({ x, y, a, b, angle }: Ellipse): Readonly<Record<Handle, Point>> {
  const along = { x: Math.cos(angle), y: Math.sin(angle) }
  const outside = a + 0.06
  return {
    centre: { x, y },
    long: { x: x - a * along.x, y: y - a * along.y },
    short: { x: x - b * along.y, y: y + b * along.x },
    turn: { x: x + outside * along.x, y: y + outside * along.y },
  }
}

/** The ellipse when the handle is taken to a point. `height`: of the photo, in parts of its width. */
export function dragged(ellipse: Ellipse, handle: Handle, { to, height }: { readonly to: Point; readonly height: number }): Ellipse {
  const { x, y, angle } = ellipse
  const reach = { x: to.x - x, y: to.y - y }
  if (handle === 'centre') return { ...ellipse, x: between(0, to.x, 1), y: between(0, to.y, height) }
  if (handle === 'turn') return { ...ellipse, angle: halfTurn(Math.atan2(reach.y, reach.x)) }
  const along = Math.abs(reach.x * Math.cos(angle) + reach.y * Math.sin(angle))
  const across = Math.abs(reach.y * Math.cos(angle) - reach.x * Math.sin(angle))
  return handle === 'long' ? { ...ellipse, a: between(least, along, most) } : { ...ellipse, b: between(least, across, most) }
}

/** An ellipse looks the same after half a turn; this one lies between -90° and 90°. */
function halfTurn(angle: number): number {
  return angle - Math.PI * Math.round(angle / Math.PI)
}

function between(low: number, value: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

/** What an arrow key does to a handle: arrows move the centre; they stretch an axis, and turn by whole degrees. */
export function nudged(ellipse: Ellipse, handle: Handle, { key, fast, height }: KeyPress): Ellipse | null {
  const direction = arrows[key]
  if (!direction) return null
  const times = fast ? 10 : 1
  const { x, y, a, b, angle } = ellipse
  if (handle === 'centre') {
    const to = { x: x + direction.x * keyStep * times, y: y + direction.y * keyStep * times }
    return dragged(ellipse, 'centre', { to, height })
  }
  // Right and up are more.
  const more = (direction.x - direction.y) * times
  if (handle === 'turn') return { ...ellipse, angle: halfTurn(angle + (more * Math.PI) / 180) }
  if (handle === 'long') return { ...ellipse, a: between(least, a + more * keyStep, most) }
  return { ...ellipse, b: between(least, b + more * keyStep, most) }
}

interface KeyPress {
  readonly key: string
  readonly fast: boolean
  readonly height: number
}

const arrows: Readonly<Record<string, Point | undefined>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
}

/** Where to begin: what was said before, what the model has found, or a plate in the middle. `height` as above. */
export function firstPlate(said: Ellipse | undefined, found: Ellipse | undefined, height: number): Ellipse {
  return said ?? found ?? { x: 0.5, y: height / 2, a: 0.35, b: Math.min(0.35, height * 0.4) * 0.8, angle: 0 }
}

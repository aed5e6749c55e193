import { type Ellipse, pointIn, radiusIn } from './ellipse.ts'
import type { Lab } from './lab.ts'
import { boxBlur, close, countOf, type Mask, maskWhere, open, type Plane, planeOf, sample, squaredDistance } from './raster.ts'

/** What lies on a dish, as heights over its surface per pixel, in half axes of the ellipse. */
export interface Relief {
  readonly food: Mask
  readonly height: Plane
}

const foodHeight = 0.2
const slopeLength = 0.14
/** Height per unit of L: dark sauce is not deep, so brightness only gives the grain. */
const grain = 0.0009
const leastDifference = 11

/** Food on a plate is what does not have the plate's colour, which the ring inside its rim shows. */
export function foodOnPlate(lab: Lab, plate: Ellipse): Mask {
  const ring: number[] = []
  const inside = planeOf(lab.L)
  for (let index = 0; index < inside.data.length; index++) {
    const radius = radiusIn(plate, { x: index % inside.width, y: Math.floor(index / inside.width) })
    inside.data[index] = radius
    if (radius > 0.82 && radius < 0.95) ring.push(index)
  }
  const [light, red, yellow] = [lab.L, lab.a, lab.b].map(({ data }) => median(ring.map((index) => data[index] ?? 0)))
  const found = maskWhere(inside, (index) => {
    if ((inside.data[index] ?? 2) > 0.93) return false
    const off = (plane: Plane, middle = 0) => (plane.data[index] ?? 0) - middle
    return Math.hypot(0.55 * off(lab.L, light), off(lab.a, red), off(lab.b, yellow)) > leastDifference
  })
  const size = Math.max(1, Math.round(plate.b * 0.015))
  return open(close(found, size), size)
}

export function reliefOf(lab: Lab, food: Mask, { a }: Ellipse): Relief {
  const distance = squaredDistance(food)
  const rough = boxBlur(boxBlur(lab.L, Math.round(a * 0.04)), Math.round(a * 0.04))
  const height = planeOf(lab.L)
  for (let index = 0; index < height.data.length; index++) {
    if (food.data[index] === 0) continue
    const depth = Math.sqrt(distance.data[index] ?? 0) / a
    const share = 1 - Math.exp(-depth / slopeLength)
    height.data[index] = foodHeight * share + Math.min(share * 3, 1) * grain * ((lab.L.data[index] ?? 0) - (rough.data[index] ?? 0))
  }
  return { food, height: boxBlur(boxBlur(height, 1), 1) }
}

/** Share of the dish that food covers. */
export const coverage = (food: Mask, { a, b }: Ellipse): number => countOf(food) / (Math.PI * a * b)

/**
 * Where a point of the dish is seen, with the height found there: tilt moves what is higher than the rim, which the ellipse is the
 * outline of, away from the viewer, and what is lower towards him.
 */
export function seenAt(
  { height }: Relief,
  { ellipse, tilt, rim }: { ellipse: Ellipse; tilt: number; rim: number },
  { u, v, base }: DiscPoint,
) {
  const flat = pointIn(ellipse, u, v)
  const away = { x: Math.sin(ellipse.angle), y: -Math.cos(ellipse.angle) }
  const direction = away.y > 0 ? -1 : 1
  const reach = direction * ellipse.a * Math.sin(tilt)
  const shifted = (total: number) => ({ x: flat.x + away.x * reach * (total - rim), y: flat.y + away.y * reach * (total - rim) })
  let total = base
  for (let round = 0; round < 3; round++) {
    const { x, y } = shifted(total)
    total = base + sample(height, x, y)
  }
  return { ...shifted(total), height: total }
}

interface DiscPoint {
  readonly u: number
  readonly v: number
  /** Height of the dish itself. */
  readonly base: number
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

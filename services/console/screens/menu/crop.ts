import type { Crop } from '../../api/calls.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/** The rectangle between two corners, within the photo. */
export function cropBetween(one: Point, other: Point): Crop {
  const [left, right] = [within(Math.min(one.x, other.x)), within(Math.max(one.x, other.x))]
  const [top, bottom] = [within(Math.min(one.y, other.y)), within(Math.max(one.y, other.y))]
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Large enough to hold a plate, and inside the photo. */
export function isUsable({ x, y, width, height }: Crop): boolean {
  return width >= 0.05 && height >= 0.05 && x >= 0 && y >= 0 && x + width <= 1.0001 && y + height <= 1.0001
}

function within(value: number): number {
  return Math.min(1, Math.max(0, value))
}

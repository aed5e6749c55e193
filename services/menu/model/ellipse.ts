import { type Mask, maskOf } from './raster.ts'

/** In pixels; `a ≥ b` are half axes and `angle` (radians, from the x axis towards the y axis) is that of `a`. */
export interface Ellipse {
  readonly x: number
  readonly y: number
  readonly a: number
  readonly b: number
  readonly angle: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** 1 on the ellipse, less inside. */
export function radiusIn({ x, y, a, b, angle }: Ellipse, point: Point): number {
  const [dx, dy] = [point.x - x, point.y - y]
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  return Math.hypot((dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b)
}

/** The point at (u, v) of the unit disc, u along the long half axis. */
export function pointIn({ x, y, a, b, angle }: Ellipse, u: number, v: number): Point {
  const cos = Math.cos(angle)
  const sin = Math.sin(angle)
  return { x: x + u * a * cos - v * b * sin, y: y + u * a * sin + v * b * cos }
}

export const areaOf = ({ a, b }: Ellipse): number => Math.PI * a * b

export const scaled = (ellipse: Ellipse, factor: number): Ellipse => ({
  ...ellipse,
  x: ellipse.x * factor,
  y: ellipse.y * factor,
  a: ellipse.a * factor,
  b: ellipse.b * factor,
})

export function drawn(ellipse: Ellipse, size: { width: number; height: number }): Mask {
  const mask = maskOf(size)
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) mask.data[y * size.width + x] = radiusIn(ellipse, { x, y }) <= 1 ? 1 : 0
  return mask
}

/** Intersection over union. */
export function overlap(one: Mask, other: Mask): number {
  let [both, either] = [0, 0]
  for (let index = 0; index < one.data.length; index++) {
    const [p, q] = [one.data[index] === 1, other.data[index] === 1]
    if (p && q) both++
    if (p || q) either++
  }
  return either === 0 ? 0 : both / either
}

/** The ellipse with the mask's area moments of second order; null for an empty mask. */
export function momentEllipse({ width, data }: Mask): Ellipse | null {
  let [count, sx, sy, sxx, sxy, syy] = [0, 0, 0, 0, 0, 0]
  for (let index = 0; index < data.length; index++) {
    if (data[index] === 0) continue
    const [x, y] = [index % width, Math.floor(index / width)]
    count++
    sx += x
    sy += y
    sxx += x * x
    sxy += x * y
    syy += y * y
  }
  if (count === 0) return null
  const [x, y] = [sx / count, sy / count]
  const [vxx, vxy, vyy] = [sxx / count - x * x + 1 / 12, sxy / count - x * y, syy / count - y * y + 1 / 12]
  const spread = Math.hypot((vxx - vyy) / 2, vxy)
  const middle = (vxx + vyy) / 2
  const [a, b] = [2 * Math.sqrt(middle + spread), 2 * Math.sqrt(Math.max(middle - spread, 0.01))]
  return { x, y, a, b, angle: Math.atan2(2 * vxy, vxx - vyy) / 2 }
}

/**
 * The ellipse through points by least squares on A x² + B xy + C y² + D x + E y = 1, exact for five; null if they lie on another conic.
 * Coordinates are normalised first: without it the matrix of far points is close to singular.
 */
export function fitEllipse(points: readonly Point[]): Ellipse | null {
  const middle = centreOf(points)
  let size = 0
  for (const { x, y } of points) size += Math.hypot(x - middle.x, y - middle.y) / points.length
  if (!(size > 0)) return null
  const normal = new Float64Array(30)
  const row = [0, 0, 0, 0, 0, 1]
  for (const point of points) {
    const x = (point.x - middle.x) / size
    const y = (point.y - middle.y) / size
    row[0] = x * x
    row[1] = x * y
    row[2] = y * y
    row[3] = x
    row[4] = y
    for (let i = 0; i < 5; i++) for (let j = 0; j < 6; j++) normal[i * 6 + j] = (normal[i * 6 + j] ?? 0) + (row[i] ?? 0) * (row[j] ?? 0)
  }
  const conic = solve(normal)
  const unit = conic === null ? null : ellipseOfConic(conic)
  return unit === null ? null : { ...unit, x: unit.x * size + middle.x, y: unit.y * size + middle.y, a: unit.a * size, b: unit.b * size }
}

function centreOf(points: readonly Point[]): Point {
  let sumX = 0
  let sumY = 0
  for (const { x, y } of points) {
    sumX += x
    sumY += y
  }
  return { x: sumX / points.length, y: sumY / points.length }
}

function ellipseOfConic([A = 0, B = 0, C = 0, D = 0, E = 0]: readonly number[]): Ellipse | null {
  const discriminant = 4 * A * C - B * B
  if (!(discriminant > 1e-9)) return null
  const [x, y] = [(B * E - 2 * C * D) / discriminant, (B * D - 2 * A * E) / discriminant]
  const level = 1 + A * x * x + B * x * y + C * y * y
  const spread = Math.hypot(A - C, B)
  const [flat, steep] = [(A + C - spread) / 2 / level, (A + C + spread) / 2 / level]
  if (!(flat > 0 && steep > 0)) return null
  return { x, y, a: 1 / Math.sqrt(flat), b: 1 / Math.sqrt(steep), angle: Math.atan2(-B, C - A) / 2 }
}

/** Gauss with pivots on five rows of five coefficients and the right side; null if there is no one solution. */
function solve(rows: Float64Array): number[] | null {
  const at = (row: number, column: number) => rows[row * 6 + column] ?? 0
  for (let column = 0; column < 5; column++) {
    let pivot = column
    for (let row = column + 1; row < 5; row++) if (Math.abs(at(row, column)) > Math.abs(at(pivot, column))) pivot = row
    if (Math.abs(at(pivot, column)) < 1e-12) return null
    for (let k = column; k < 6; k++) {
      const above = at(column, k)
      rows[column * 6 + k] = at(pivot, k)
      rows[pivot * 6 + k] = above
    }
    for (let row = 0; row < 5; row++) {
      if (row === column) continue
      const factor = at(row, column) / at(column, column)
      for (let k = column; k < 6; k++) rows[row * 6 + k] = at(row, k) - factor * at(column, k)
    }
  }
  return [0, 1, 2, 3, 4].map((row) => at(row, 5) / at(row, row))
}

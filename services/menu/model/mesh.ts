import type { Ellipse, Point } from './ellipse.ts'
import { type Relief, seenAt } from './relief.ts'

/** Metres, y up, the viewer of the photo at +z; indexed triangles, counter-clockwise from outside, one closed shell. */
export interface Mesh {
  readonly positions: Float32Array
  readonly normals: Float32Array
  /** In pixels of the picture that was analysed. */
  readonly seen: Float32Array
  readonly indices: Uint32Array
}

export interface Dish {
  readonly ellipse: Ellipse
  readonly relief: Relief
  /** Radians of the camera against the vertical; 0 for what has no plate. */
  readonly tilt: number
  readonly diameterMetres: number
  /** A plate has a rim, a slab is flat and as long and wide as it is seen. */
  readonly shape: 'plate' | 'slab'
}

interface Vertices {
  readonly positions: number[]
  readonly seen: number[]
}

const cells = 64
const slabHeight = 0.05
const wellHeight = 0.03

/** A square grid is drawn out into the disc, so that all its cells are about the same size: Shirley and Chiu, 1997. */
export function meshOf(dish: Dish): Mesh {
  const vertices: Vertices = { positions: [], seen: [] }
  const indices: number[] = []
  const side = cells + 1
  for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) addTop(vertices, dish, discPoint(column, row))
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const corner = row * side + column
      indices.push(...quad([corner, corner + side, corner + side + 1, corner + 1], column < cells / 2 === row < cells / 2))
    }
  }
  addUnderside(vertices, indices, dish)
  const positions = Float32Array.from(vertices.positions)
  const all = Uint32Array.from(indices)
  return { positions, normals: sharedNormals(positions, all), seen: Float32Array.from(vertices.seen), indices: all }
}

/** Cut along the diagonal that keeps the corner cells of the disc from folding. */
function quad([a, b, c, d]: readonly [number, number, number, number], falling: boolean): number[] {
  return falling ? [a, b, d, b, c, d] : [a, b, c, a, c, d]
}

function discPoint(column: number, row: number): { u: number; v: number } {
  const [x, y] = [(2 * column) / cells - 1, (2 * row) / cells - 1]
  if (x === 0 && y === 0) return { u: 0, v: 0 }
  const [radius, turn] = Math.abs(x) > Math.abs(y) ? [x, (Math.PI / 4) * (y / x)] : [y, Math.PI / 2 - (Math.PI / 4) * (x / y)]
  return { u: radius * Math.cos(turn), v: radius * Math.sin(turn) }
}

function profile({ shape }: Dish, radius: number): number {
  if (shape === 'slab') return slabHeight
  const share = Math.min(Math.max((radius - 0.62) / 0.38, 0), 1)
  return wellHeight + 0.1 * share * share * (3 - 2 * share) - 0.004 * Math.max(radius - 0.98, 0) * 50
}

function addTop(vertices: Vertices, dish: Dish, { u, v }: { u: number; v: number }): void {
  const base = profile(dish, Math.hypot(u, v))
  const edge = Math.min(1, 0.985 / Math.max(Math.hypot(u, v), 0.001))
  const { x, y, height } = seenAt(dish.relief, { ...dish, rim: profile(dish, 1) }, { u: u * edge, v: v * edge, base })
  addVertex(vertices, dish, { u, v, height, at: { x, y } })
}

function addVertex(
  { positions, seen }: Vertices,
  dish: Dish,
  { u, v, height, at }: { u: number; v: number; height: number; at: Point },
): void {
  const { angle, a, b } = dish.ellipse
  const radius = dish.diameterMetres / 2
  const narrow = dish.shape === 'slab' ? b / a : 1
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  positions.push((u * cos - v * narrow * sin) * radius, height * radius, (u * sin + v * narrow * cos) * radius)
  seen.push(at.x, at.y)
}

/** From the rim, whose vertices it shares, to a foot and the middle; all in the colours of the rim. */
function addUnderside(vertices: Vertices, indices: number[], dish: Dish): void {
  const rings =
    dish.shape === 'plate'
      ? ([
          [0.97, 0.85],
          [0.62, 0],
          [0.58, 0],
        ] as const)
      : ([
          [0.985, 0],
          [0.9, 0],
        ] as const)
  const rim = rimOf()
  let outer = rim
  for (const [radius, share] of rings) {
    const inner = rim.map((index) => {
      const { u, v } = discPoint(index % (cells + 1), Math.floor(index / (cells + 1)))
      const height = share * profile(dish, radius)
      return addUnder(vertices, dish, { u: u * radius, v: v * radius, height, rimIndex: index })
    })
    for (let k = 0; k < rim.length; k++) {
      const next = (k + 1) % rim.length
      indices.push(outer[k] ?? 0, outer[next] ?? 0, inner[next] ?? 0, outer[k] ?? 0, inner[next] ?? 0, inner[k] ?? 0)
    }
    outer = inner
  }
  const middle = addUnder(vertices, dish, { u: 0, v: 0, height: 0.004, rimIndex: rim[0] ?? 0 })
  for (let k = 0; k < rim.length; k++) indices.push(outer[k] ?? 0, outer[(k + 1) % rim.length] ?? 0, middle)
}

function addUnder(
  vertices: Vertices,
  dish: Dish,
  { u, v, height, rimIndex }: { u: number; v: number; height: number; rimIndex: number },
): number {
  const at = { x: vertices.seen[rimIndex * 2] ?? 0, y: vertices.seen[rimIndex * 2 + 1] ?? 0 }
  addVertex(vertices, dish, { u, v, height, at })
  return vertices.seen.length / 2 - 1
}

/** The border of the grid, in the direction in which its triangles lie inside. */
function rimOf(): number[] {
  const side = cells + 1
  const rim: number[] = []
  for (let k = 0; k < cells; k++) rim.push(k)
  for (let k = 0; k < cells; k++) rim.push(k * side + cells)
  for (let k = cells; k > 0; k--) rim.push(cells * side + k)
  for (let k = cells; k > 0; k--) rim.push(k * side)
  return rim
}

function sharedNormals(positions: Float32Array, indices: Uint32Array): Float32Array {
  const normals = new Float32Array(positions.length)
  const at = (index: number, axis: number) => positions[index * 3 + axis] ?? 0
  for (let k = 0; k < indices.length; k += 3) {
    const [p, q, r] = [indices[k] ?? 0, indices[k + 1] ?? 0, indices[k + 2] ?? 0]
    const [ax, ay, az] = [at(q, 0) - at(p, 0), at(q, 1) - at(p, 1), at(q, 2) - at(p, 2)]
    const [bx, by, bz] = [at(r, 0) - at(p, 0), at(r, 1) - at(p, 1), at(r, 2) - at(p, 2)]
    const face = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
    for (const index of [p, q, r])
      for (let axis = 0; axis < 3; axis++) normals[index * 3 + axis] = (normals[index * 3 + axis] ?? 0) + (face[axis] ?? 0)
  }
  for (let k = 0; k < normals.length; k += 3) {
    const length = Math.hypot(normals[k] ?? 0, normals[k + 1] ?? 0, normals[k + 2] ?? 0) || 1
    for (let axis = 0; axis < 3; axis++) normals[k + axis] = (normals[k + axis] ?? 0) / length
  }
  return normals
}

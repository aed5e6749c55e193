import type { Picture } from './lab.ts'
import type { Mesh } from './mesh.ts'

/** As model-viewer shows it at `camera-orbit="0deg 50deg auto"`, so that the picture turns into the model without a jump. */
const elevation = (50 * Math.PI) / 180
const light = normalised([-0.35, 0.85, 0.4])

/** RGBA, transparent around the dish. */
export function renderPoster(mesh: Mesh, uv: Float32Array, { texture, size }: { texture: Picture; size: number }): Uint8Array {
  const out = new Uint8Array(size * size * 4)
  const depth = new Float32Array(size * size).fill(Infinity)
  const screen = projected(mesh, size)
  const at = (index: number) => ({
    x: screen[index * 3] ?? 0,
    y: screen[index * 3 + 1] ?? 0,
    z: screen[index * 3 + 2] ?? 0,
    u: uv[index * 2] ?? 0,
    v: uv[index * 2 + 1] ?? 0,
    shade: shadeOf(mesh, index),
  })
  for (let k = 0; k < mesh.indices.length; k += 3) {
    const corners = [at(mesh.indices[k] ?? 0), at(mesh.indices[k + 1] ?? 0), at(mesh.indices[k + 2] ?? 0)] as const
    fill(corners, { out, depth, texture, size })
  }
  return out
}

interface Corner {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly u: number
  readonly v: number
  readonly shade: number
}
interface Target {
  readonly out: Uint8Array
  readonly depth: Float32Array
  readonly texture: Picture
  readonly size: number
}

function fill([p, q, r]: readonly [Corner, Corner, Corner], { out, depth, texture, size }: Target): void {
  const area = (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x)
  if (area >= 0) return
  const [left, right] = [Math.max(0, Math.floor(Math.min(p.x, q.x, r.x))), Math.min(size - 1, Math.ceil(Math.max(p.x, q.x, r.x)))]
  const [top, bottom] = [Math.max(0, Math.floor(Math.min(p.y, q.y, r.y))), Math.min(size - 1, Math.ceil(Math.max(p.y, q.y, r.y)))]
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const second = ((x - p.x) * (r.y - p.y) - (y - p.y) * (r.x - p.x)) / area
      const third = ((q.x - p.x) * (y - p.y) - (q.y - p.y) * (x - p.x)) / area
      const first = 1 - second - third
      if (first < 0 || second < 0 || third < 0) continue
      const z = first * p.z + second * q.z + third * r.z
      const index = y * size + x
      if (z >= (depth[index] ?? 0)) continue
      depth[index] = z
      const shade = first * p.shade + second * q.shade + third * r.shade
      const tx = Math.min(Math.max(Math.round((first * p.u + second * q.u + third * r.u) * texture.width - 0.5), 0), texture.width - 1)
      const ty = Math.min(Math.max(Math.round((first * p.v + second * q.v + third * r.v) * texture.height - 0.5), 0), texture.height - 1)
      const from = (ty * texture.width + tx) * 3
      for (let channel = 0; channel < 3; channel++) out[index * 4 + channel] = Math.min(255, (texture.data[from + channel] ?? 0) * shade)
      out[index * 4 + 3] = 255
    }
  }
}

function shadeOf({ normals }: Mesh, index: number): number {
  const facing = light.reduce((sum, value, axis) => sum + value * (normals[index * 3 + axis] ?? 0), 0)
  return 0.62 + 0.46 * Math.max(facing, 0)
}

function projected({ positions }: Mesh, size: number): Float32Array {
  let reach = 0
  for (let k = 0; k < positions.length; k += 3) reach = Math.max(reach, Math.hypot(positions[k] ?? 0, positions[k + 2] ?? 0))
  const distance = reach * 4.2
  const zoom = (size / 2) * (distance / reach) * 0.93
  const [sin, cos] = [Math.sin(elevation), Math.cos(elevation)]
  const out = new Float32Array(positions.length)
  for (let k = 0; k < positions.length; k += 3) {
    const [x, y, z] = [positions[k] ?? 0, positions[k + 1] ?? 0, positions[k + 2] ?? 0]
    const [up, far] = [y * cos - z * sin, distance - (y * sin + z * cos)]
    out[k] = size / 2 + (x / far) * zoom
    out[k + 1] = size / 2 - (up / far) * zoom
    out[k + 2] = far
  }
  return out
}

function normalised(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

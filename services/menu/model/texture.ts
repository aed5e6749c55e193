import type { Picture } from './lab.ts'
import type { Mesh } from './mesh.ts'
import { imageOf, pictureOf } from './photo.ts'

const longestSide = 1024
const margin = 2

export interface DishTexture {
  readonly picture: Picture
  /** Two per vertex, 0 to 1, from the upper left. */
  readonly uv: Float32Array
}

/** The part of the photo that the mesh shows, and where each vertex lies in it. `scale` is from the photo to the picture analysed. */
export async function textureOf(photo: Picture, { seen }: Mesh, scale: number): Promise<DishTexture> {
  const { left, top, right, bottom } = boundsOf(seen, scale, photo)
  const [width, height] = [right - left, bottom - top]
  const part = imageOf(photo).extract({ left, top, width, height })
  const picture = await pictureOf(part.resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true }))
  const uv = Float32Array.from(seen, (value, index) => {
    const [start, length] = index % 2 === 0 ? [left, width] : [top, height]
    return Math.min(Math.max(((value + 0.5) / scale - start) / length, 0), 1)
  })
  return { picture, uv }
}

function boundsOf(seen: Float32Array, scale: number, { width, height }: Picture) {
  let [left, top, right, bottom] = [width, height, 0, 0]
  for (let k = 0; k < seen.length; k += 2) {
    const [x, y] = [(seen[k] ?? 0) / scale, (seen[k + 1] ?? 0) / scale]
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  const within = (value: number, from: number, to: number) => Math.min(Math.max(value, from), to)
  left = within(Math.floor(left) - margin, 0, width - 1)
  top = within(Math.floor(top) - margin, 0, height - 1)
  return {
    left,
    top,
    right: within(Math.ceil(right) + margin, left + 1, width),
    bottom: within(Math.ceil(bottom) + margin, top + 1, height),
  }
}

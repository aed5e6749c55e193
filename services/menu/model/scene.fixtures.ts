import type { Picture } from './lab.ts'
import { type Mask, maskOf } from './raster.ts'

type Colour = readonly [number, number, number]
interface Spot {
  readonly x: number
  readonly y: number
}

/** A table seen by a pinhole camera; lengths in plate radii, angles in degrees. */
export interface Scene {
  readonly name: string
  readonly width?: number
  readonly height?: number
  /** Of the camera's axis against the vertical: 0 = from above. */
  readonly tilt: number
  /** Of the picture about its centre. */
  readonly roll?: number
  readonly distance?: number
  readonly plate?: Colour | 'none'
  readonly plateAt?: Spot
  /** Half axes of a board instead of a round plate. */
  readonly board?: Spot
  readonly table: (spot: Spot) => Colour
  readonly clutter?: readonly { at: Spot; radius: number; colour: Colour }[]
  readonly food?: readonly { at: Spot; radius: number; colour: Colour }[]
  /** Where the light comes from, and how strong the shadow is. */
  readonly light?: { from: Spot; shadow: number; vignette?: number }
  readonly noise?: number
}

export interface Rendered {
  readonly picture: Picture
  /** The plate, food included. */
  readonly plate: Mask
}

const wave = (x: number, y: number) => Math.sin(x * 12.9898 + y * 78.233) * 43_758.5453
const grain = (x: number, y: number) => wave(x, y) - Math.floor(wave(x, y))

export const plain =
  (colour: Colour): Scene['table'] =>
  () =>
    colour
export const wood: Scene['table'] = ({ x, y }) => {
  const ring = Math.sin(y * 14 + Math.sin(x * 1.3) * 1.5) * 0.5 + Math.sin(y * 41 + x * 0.7) * 0.25
  return [142 + ring * 26, 98 + ring * 20, 60 + ring * 14]
}
export const checked: Scene['table'] = ({ x, y }) => {
  const [p, q] = [Math.abs(Math.floor(x * 2.2)) % 2, Math.abs(Math.floor(y * 2.2)) % 2]
  return p + q === 2 ? [176, 38, 44] : p + q === 1 ? [216, 128, 130] : [244, 240, 236]
}
export const marble: Scene['table'] = ({ x, y }) => {
  const vein = Math.abs(Math.sin(x * 2.1 + Math.sin(y * 3.3) * 1.4 + Math.sin(x * 7 + y * 5) * 0.3)) ** 0.3
  return [150 + vein * 60, 152 + vein * 58, 158 + vein * 54]
}

export function render(scene: Scene): Rendered {
  const { width = 512, height = 384 } = scene
  const data = new Uint8Array(width * height * 3)
  const plate = maskOf({ width, height })
  const toTable = camera(scene)
  for (let index = 0; index < width * height; index++) {
    const [px, py] = [index % width, Math.floor(index / width)]
    const sums = [0, 0, 0]
    let covered = 0
    for (const [ox, oy] of [
      [-0.25, -0.25],
      [0.25, -0.25],
      [-0.25, 0.25],
      [0.25, 0.25],
    ] as const) {
      const spot = toTable(px + ox, py + oy)
      const { colour, onPlate } = spot === null ? { colour: [200, 205, 210], onPlate: false } : shade(scene, spot)
      covered += onPlate ? 1 : 0
      for (let channel = 0; channel < 3; channel++) sums[channel] = (sums[channel] ?? 0) + (colour[channel] ?? 0) / 4
    }
    plate.data[index] = covered >= 2 ? 1 : 0
    const dark = 1 - (scene.light?.vignette ?? 0) * (Math.hypot(px / width - 0.5, py / height - 0.5) / 0.71) ** 2
    const jitter = (grain(px + 1, py + 1) - 0.5) * 2 * (scene.noise ?? 4)
    for (let channel = 0; channel < 3; channel++) {
      data[index * 3 + channel] = Math.min(Math.max((sums[channel] ?? 0) * dark + jitter, 0), 255)
    }
  }
  return { picture: { width, height, data }, plate }
}

/** From a pixel to the spot on the table that it shows, or null above the horizon. */
function camera({ width = 512, height = 384, tilt, roll = 0, distance = 4.2 }: Scene) {
  const [t, r] = [(tilt * Math.PI) / 180, (roll * Math.PI) / 180]
  const focal = Math.min(width, height) * 1.5
  return (px: number, py: number): Spot | null => {
    const [sx, sy] = [(px + 0.5 - width / 2) / focal, (py + 0.5 - height / 2) / focal]
    const [x, y] = [sx * Math.cos(r) - sy * Math.sin(r), sx * Math.sin(r) + sy * Math.cos(r)]
    const down = Math.cos(t) + y * Math.sin(t)
    if (down < 0.05) return null
    const reach = (distance * Math.cos(t)) / down
    return { x: x * reach, y: distance * Math.sin(t) + (y * Math.cos(t) - Math.sin(t)) * reach }
  }
}

function shade(scene: Scene, spot: Spot): { colour: readonly number[]; onPlate: boolean } {
  const { plate = [240, 238, 232], plateAt = { x: 0, y: 0 }, light, clutter = [], food = [] } = scene
  const from = light?.from ?? { x: -1, y: -1 }
  const radius = radiusOn(scene, { x: spot.x - plateAt.x, y: spot.y - plateAt.y })
  if (plate !== 'none' && radius <= 1) {
    for (const { at, radius: size, colour } of food) {
      const [dx, dy] = [spot.x - plateAt.x - at.x, spot.y - plateAt.y - at.y]
      const reach = size * (1 + 0.12 * Math.sin(5 * Math.atan2(dy, dx) + at.x * 9))
      const far = Math.hypot(dx, dy) / reach
      if (far <= 1)
        return {
          colour: lit(
            colour,
            0.75 +
              0.3 * Math.sqrt(1 - far * far) -
              (0.15 * (dx * from.x + dy * from.y)) / reach +
              (grain(Math.floor(spot.x * 60), Math.floor(spot.y * 60)) - 0.5) * 0.3,
          ),
          onPlate: true,
        }
    }
    const slope = radius > 0.7 && radius < 0.78 ? 0.06 : radius > 0.95 ? 0.05 : 0
    const side = (spot.x * from.x + spot.y * from.y) / Math.max(radius, 0.01)
    return { colour: lit(plate, 1 - slope * (1 + side)), onPlate: true }
  }
  for (const { at, radius: size, colour } of clutter)
    if (Math.hypot(spot.x - at.x, spot.y - at.y) <= size) return { colour, onPlate: false }
  const under = plate === 'none' ? 9 : radiusOn(scene, { x: spot.x - plateAt.x + from.x * 0.1, y: spot.y - plateAt.y + from.y * 0.1 })
  const shadow = (light?.shadow ?? 0.35) * Math.min(Math.max((1.08 - under) / 0.12, 0), 1)
  return { colour: lit(scene.table(spot), 1 - shadow), onPlate: false }
}

function radiusOn({ board }: Scene, { x, y }: Spot): number {
  return board === undefined ? Math.hypot(x, y) : Math.max(Math.abs(x) / board.x, Math.abs(y) / board.y)
}

const lit = (colour: Colour, factor: number): number[] => colour.map((value) => value * factor)

const salad = [
  { at: { x: -0.2, y: -0.1 }, radius: 0.28, colour: [74, 128, 48] },
  { at: { x: 0.22, y: -0.15 }, radius: 0.24, colour: [176, 52, 38] },
  { at: { x: 0.05, y: 0.25 }, radius: 0.26, colour: [205, 150, 60] },
] as const
const steak = [
  { at: { x: -0.05, y: 0.05 }, radius: 0.4, colour: [104, 62, 40] },
  { at: { x: 0.4, y: -0.25 }, radius: 0.16, colour: [86, 132, 62] },
] as const
const things = [
  { at: { x: -1.5, y: -0.9 }, radius: 0.35, colour: [60, 90, 140] },
  { at: { x: 1.45, y: -1 }, radius: 0.3, colour: [230, 230, 225] },
  { at: { x: 1.6, y: 0.8 }, radius: 0.28, colour: [120, 40, 40] },
  { at: { x: -1.55, y: 0.75 }, radius: 0.22, colour: [225, 205, 120] },
] as const

/** Those where the whole edge of a round plate can be seen. */
export const plates: readonly Scene[] = [
  { name: 'white plate on a plain table, from above', tilt: 5, table: plain([96, 74, 58]), food: salad },
  { name: 'white plate on a plain table, 39°', tilt: 39, table: plain([96, 74, 58]), food: steak },
  { name: 'on wood, 30°', tilt: 30, table: wood, food: salad },
  { name: 'on wood, 45°, turned', tilt: 45, roll: 12, table: wood, food: steak },
  { name: 'on a checked cloth, 25°', tilt: 25, table: checked, food: steak },
  {
    name: 'on a checked cloth, 42°, light from the right',
    tilt: 42,
    table: checked,
    food: salad,
    light: { from: { x: 1, y: -0.4 }, shadow: 0.4 },
  },
  { name: 'among glasses and bowls, 35°', tilt: 35, table: wood, clutter: things, food: salad },
  {
    name: 'white on a white cloth, 30°',
    tilt: 30,
    table: plain([228, 226, 222]),
    plate: [243, 241, 238],
    food: steak,
    light: { from: { x: -0.8, y: -0.8 }, shadow: 0.3 },
  },
  { name: 'dark plate on slate, 20°', tilt: 20, table: plain([88, 90, 96]), plate: [34, 34, 38], food: salad },
  { name: 'blue plate on marble, 33°', tilt: 33, table: marble, plate: [64, 96, 150], food: steak },
  { name: 'small and off the centre, 28°', tilt: 28, distance: 6.5, plateAt: { x: 0.9, y: -0.5 }, table: wood, food: salad },
  {
    name: 'in the dark of an evening, 36°',
    tilt: 36,
    table: plain([52, 36, 26]),
    plate: [150, 132, 108],
    food: steak,
    noise: 12,
    light: { from: { x: -1, y: 0 }, shadow: 0.5, vignette: 0.5 },
  },
  { name: 'tall picture, 50°', tilt: 50, width: 384, height: 512, distance: 5.2, table: marble, plate: [236, 226, 208], food: salad },
  { name: 'on a gradient, 15°', tilt: 15, table: ({ x, y }) => [120 + x * 30, 100 + y * 25, 90], food: steak },
]

export const withoutPlate: readonly Scene[] = [
  { name: 'food on a board', tilt: 30, board: { x: 1.2, y: 0.7 }, plate: [170, 128, 84], table: marble, food: steak },
  { name: 'an empty table', tilt: 30, plate: 'none', table: wood },
  { name: 'a plate that is cut by the border', tilt: 30, plateAt: { x: 1.6, y: 0.2 }, table: wood, food: salad },
]

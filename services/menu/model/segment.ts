import type { Lab } from './lab.ts'
import { close, countOf, fillHoles, largestComponent, type Mask, maskWhere, otsu, type Plane, planeOf } from './raster.ts'

type Colour = readonly [L: number, a: number, b: number]
const brightnessWeight = 0.7

/** Distance in colour of every pixel to what lies along the border of the picture, which is taken for the table. */
export function distanceToTable({ L, a, b }: Lab): Plane {
  const { width, height } = L
  const ring = Math.max(2, Math.round(Math.min(width, height) * 0.04))
  const border: Colour[] = []
  for (let index = 0; index < L.data.length; index += 3) {
    const [x, y] = [index % width, Math.floor(index / width)]
    if (x >= ring && x < width - ring && y >= ring && y < height - ring) continue
    border.push([L.data[index] ?? 0, a.data[index] ?? 0, b.data[index] ?? 0])
  }
  const means = clusters(border, 4)
  const out = planeOf(L)
  for (let index = 0; index < out.data.length; index++) {
    let nearest = Infinity
    for (const [light, red, yellow] of means) {
      const dL = brightnessWeight * ((L.data[index] ?? 0) - light)
      const da = (a.data[index] ?? 0) - red
      const db = (b.data[index] ?? 0) - yellow
      nearest = Math.min(nearest, dL * dL + da * da + db * db)
    }
    out.data[index] = Math.sqrt(nearest)
  }
  return out
}

const squared = (one: Colour, other: Colour) =>
  (brightnessWeight * (one[0] - other[0])) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2

/** k-means; it starts from what is farthest apart, so that it needs no chance. */
function clusters(colours: readonly Colour[], count: number): Colour[] {
  let means = [averageOf(colours)]
  while (means.length < count) {
    const distances = colours.map((colour) => Math.min(...means.map((mean) => squared(mean, colour))))
    const farthest = colours[distances.indexOf(distances.reduce((most, value) => Math.max(most, value), 0))]
    if (farthest === undefined) break
    means.push(farthest)
  }
  for (let round = 0; round < 6; round++) {
    const groups = means.map((): Colour[] => [])
    for (const colour of colours) {
      const distances = means.map((mean) => squared(mean, colour))
      groups[distances.indexOf(Math.min(...distances))]?.push(colour)
    }
    means = groups.filter((group) => group.length > 0).map(averageOf)
  }
  return means
}

function averageOf(colours: readonly Colour[]): Colour {
  const sums: [number, number, number] = [0, 0, 0]
  for (const [L, a, b] of colours) {
    sums[0] += L
    sums[1] += a
    sums[2] += b
  }
  const count = Math.max(colours.length, 1)
  return [sums[0] / count, sums[1] / count, sums[2] / count]
}

/** What stands out from the table, as one piece without holes; empty if nothing does. */
export function foregroundOf(lab: Lab): Mask {
  const distance = distanceToTable(lab)
  const threshold = Math.max(otsu(distance.data, { max: 80 }), 6)
  const size = Math.min(distance.width, distance.height)
  const found = maskWhere(distance, (index) => (distance.data[index] ?? 0) > threshold)
  const whole = fillHoles(largestComponent(close(found, Math.max(2, Math.round(size * 0.012)))))
  return countOf(whole) < size * size * 0.01 ? maskWhere(distance, () => false) : whole
}

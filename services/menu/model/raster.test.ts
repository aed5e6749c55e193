import { describe, expect, it } from 'vitest'
import {
  boxBlur,
  close,
  components,
  countOf,
  dilate,
  erode,
  fillHoles,
  largestComponent,
  type Mask,
  open,
  otsu,
  sample,
  squaredDistance,
} from './raster.ts'

/** `#` is set. */
function drawing(text: string): Mask {
  const rows = text.trim().split(/\s+/)
  const width = rows[0]?.length ?? 0
  return { width, height: rows.length, data: Uint8Array.from(rows.join(''), (character) => (character === '#' ? 1 : 0)) }
}

function shown({ width, height, data }: Mask): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from(data.subarray(y * width, (y + 1) * width), (value) => (value === 1 ? '#' : '.')).join(''),
  )
}

const random = (count: number) => Array.from({ length: count }, (_, k) => Math.abs(Math.sin(k * 12.9898) * 43_758.5453) % 1)

describe('distances', () => {
  const mask = drawing('......... ..#####.. ..#####.. ..#####.. .........')

  it.each(['set', 'unset'] as const)('are those of the nearest pixel that is not set, with the outside %s', (outside) => {
    const { width, height } = mask
    const wild: Mask = { width: 23, height: 17, data: Uint8Array.from(random(23 * 17), (value) => (value > 0.2 ? 1 : 0)) }
    for (const { width, height, data } of [mask, wild]) {
      const found = squaredDistance({ width, height, data }, outside)
      for (let index = 0; index < data.length; index++) {
        expect(found.data[index]).toBe(nearest({ width, height, data }, { index, outside }))
      }
    }
    expect([width, height]).toEqual([9, 5])
  })

  function nearest({ width, height, data }: Mask, { index, outside }: { index: number; outside: 'set' | 'unset' }): number {
    const [x, y] = [index % width, Math.floor(index / width)]
    let best = Infinity
    for (let other = 0; other < data.length; other++) {
      if (data[other] === 0) best = Math.min(best, (x - (other % width)) ** 2 + (y - Math.floor(other / width)) ** 2)
    }
    if (outside === 'unset') best = Math.min(best, (x + 1) ** 2, (y + 1) ** 2, (width - x) ** 2, (height - y) ** 2)
    return best
  }
})

describe('shapes', () => {
  it('grow and shrink by discs, the border of the image being no edge', () => {
    expect(shown(dilate(drawing('..... ..... ..#.. ..... .....'), 1))).toEqual(['.....', '..#..', '.###.', '..#..', '.....'])
    expect(shown(erode(drawing('##### ##### ##### ##### ##...'), 1))).toEqual(['#####', '#####', '#####', '##...', '#....'])
    expect(countOf(dilate(drawing('... ... ...'), 2))).toBe(0)
  })

  it('are closed over gaps and opened over specks', () => {
    expect(shown(close(drawing('....... .##.##. .##.##. .##.##. .......'), 1))[2]).toBe('.#####.')
    expect(shown(open(drawing('#...... ..###.. ..###.. ..###..'), 1))[0]).toBe('.......')
  })

  it('fall into components by their sides, not by their corners', () => {
    const { labels, sizes } = components(drawing('##.. ..#. ..##'))
    expect(sizes).toEqual([0, 2, 3])
    expect([...labels]).toEqual([1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 2, 2])
    expect(shown(largestComponent(drawing('##.. ..#. ..##')))).toEqual(['....', '..#.', '..##'])
    expect(countOf(largestComponent(drawing('.... ....')))).toBe(0)
  })

  it('have their holes filled, and bays left open', () => {
    expect(shown(fillHoles(drawing('.....  .###. .#.#. .###. .....')))[2]).toBe('.###.')
    expect(shown(fillHoles(drawing('..... .###. .#... .###. .....')))[2]).toBe('.#...')
    expect(shown(fillHoles(drawing('#.# ### ...')))[0]).toBe('#.#')
  })
})

describe('planes', () => {
  const plane = { width: 3, height: 2, data: Float32Array.of(0, 10, 20, 40, 50, 60) }

  it('are sampled between pixels, and outside as at the border', () => {
    expect(sample(plane, 1, 1)).toBe(50)
    expect(sample(plane, 0.5, 0.5)).toBe(25)
    expect(sample(plane, 2, 0)).toBe(20)
    expect(sample(plane, 99, -5)).toBe(20)
    expect(sample(plane, -1, 99)).toBe(40)
  })

  it('are blurred to the mean of the square', () => {
    const spot = { width: 5, height: 5, data: new Float32Array(25) }
    spot.data[12] = 9
    const blurred = boxBlur(spot, 1)
    expect(Array.from(blurred.data.subarray(5, 10))).toEqual([0, 1, 1, 1, 0])
    expect(boxBlur(spot, 0)).toBe(spot)
    const even = { width: 4, height: 3, data: new Float32Array(12).fill(7) }
    expect([...boxBlur(even, 2).data]).toEqual([...even.data])
  })

  it('are parted where the two halves differ most', () => {
    const values = Float32Array.from(random(400), (value, k) => (k % 2 === 0 ? 5 + value * 4 : 40 + value * 10))
    const threshold = otsu(values, { max: 80 })
    expect(threshold).toBeGreaterThan(9)
    expect(threshold).toBeLessThanOrEqual(40)
    expect(otsu(new Float32Array(10).fill(3), { max: 80 })).toBe(0)
  })
})

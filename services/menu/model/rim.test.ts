import { describe, expect, it } from 'vitest'
import { type Ellipse, radiusIn } from './ellipse.ts'
import { type Lab, labOf } from './lab.ts'
import { evennessOf, type PlateFit, rimAmong } from './rim.ts'

const [width, height] = [200, 160]
const rim: Ellipse = { x: 100, y: 80, a: 80, b: 64, angle: 0 }
const well: Ellipse = { x: 100, y: 81, a: 56, b: 44, angle: 0 }
const cup: Ellipse = { x: 100, y: 35, a: 40, b: 32, angle: 0 }

/** Ellipses of a colour each on black, the last on top. */
function painted(...parts: readonly (readonly [Ellipse, readonly [number, number, number]])[]): Lab {
  const data = new Uint8Array(width * height * 3)
  for (let index = 0; index < width * height; index++) {
    const point = { x: index % width, y: Math.floor(index / width) }
    const top = parts.findLast(([ellipse]) => radiusIn(ellipse, point) <= 1)
    data.set(top?.[1] ?? [0, 0, 0], index * 3)
  }
  return labOf({ width, height, data })
}

const white = [240, 238, 230] as const
const shaded = [215, 213, 205] as const
const red = [170, 40, 30] as const
const fit = (ellipse: Ellipse, support = 1, evenness = 1): PlateFit => ({ ellipse, support, evenness })
const along = (share: number) => () => share

describe('the rim among outlines', () => {
  const plate = painted([rim, white], [well, shaded])

  it('is none if there are none', () => {
    expect(rimAmong([], { lab: plate, support: along(0) })).toBeNull()
  })

  it('is taken before the well, although the well is more even', () => {
    const found = rimAmong([fit(well, 1, 0.96), fit(rim, 1, 0.84)], { lab: plate, support: along(1) })
    expect(found).toMatchObject({ ellipse: rim, confidence: 0.84 })
  })

  it('is not what is worse seen than the well', () => {
    const found = rimAmong([fit(well, 1, 0.96), fit(rim, 0.8, 0.84)], { lab: plate, support: along(1) })
    expect(found).toMatchObject({ ellipse: well, confidence: 0.96 })
  })

  it('is not the edge of a shadow, close around it', () => {
    const shadow = { ...rim, a: rim.a * 1.06, b: rim.b * 1.06 }
    expect(rimAmong([fit(rim, 1, 0.98), fit(shadow, 1, 0.85)], { lab: plate, support: along(1) })).toMatchObject({ ellipse: rim })
  })

  it('is not a mat of another colour, on which the plate is still believed', () => {
    const lab = painted([rim, red], [well, white])
    const found = rimAmong([fit(well, 1, 0.96), fit(rim, 1, 0.84)], { lab, support: along(1) })
    expect(found).toMatchObject({ ellipse: well, confidence: 0.96 })
  })
})

describe('a cup on its saucer', () => {
  const lab = painted([rim, red], [cup, white])
  const fits = [fit(cup, 1, 0.95), fit(rim, 0.8, 0.5)]

  it('is not believed to be the plate, and the saucer is asked for where the cup does not hide it', () => {
    const asked: Ellipse[][] = []
    const found = rimAmong(fits, { lab, support: (ellipse, behind) => (asked.push([ellipse, behind]), 0.98) })
    expect(asked).toEqual([[rim, cup]])
    expect(found?.ellipse).toEqual(cup)
    expect(found?.confidence).toBeCloseTo(0.95 * 0.02, 9)
  })

  it('is, if the larger outline is one of chance', () => {
    expect(rimAmong(fits, { lab, support: along(0.7) })).toMatchObject({ ellipse: cup, confidence: 0.95 })
  })

  it('is no matter to a plate beside it', () => {
    const beside = { ...cup, x: 20, y: 20 }
    expect(rimAmong([fit(beside, 1, 0.95), fit(rim, 0.8, 0.5)], { lab, support: along(1) })).toMatchObject({ confidence: 0.95 })
  })
})

describe('evenness', () => {
  it('is whole along the rim of a plate, and less where the outline runs over the table', () => {
    const lab = painted([rim, white])
    expect(evennessOf(rim, lab)).toBeGreaterThan(0.99)
    expect(evennessOf({ ...rim, x: rim.x + 30 }, lab)).toBeLessThan(0.8)
  })
})

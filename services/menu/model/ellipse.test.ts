import { describe, expect, it } from 'vitest'
import { drawn, type Ellipse, fitEllipse, momentEllipse, overlap, pointIn, radiusIn, scaled } from './ellipse.ts'
import { maskOf } from './raster.ts'

const ellipse: Ellipse = { x: 200, y: 150, a: 120, b: 80, angle: 0.4 }
const around = (turns: readonly number[], { noise = 0 } = {}) =>
  turns.map((turn, k) => {
    const { x, y } = pointIn(ellipse, Math.cos(turn), Math.sin(turn))
    return { x: x + noise * Math.sin(k * 91), y: y + noise * Math.cos(k * 57) }
  })
const close = (found: Ellipse | null, digits: number) => {
  for (const key of ['x', 'y', 'a', 'b', 'angle'] as const) expect(found?.[key], key).toBeCloseTo(ellipse[key], digits)
}

describe('the fit', () => {
  it('of five points is exact', () => close(fitEllipse(around([0, 1, 2, 3.3, 4.9])), 6))

  it('of many points that are off by a pixel is off by less', () =>
    close(
      fitEllipse(
        around(
          Array.from({ length: 60 }, (_, k) => k / 9.55),
          { noise: 1 },
        ),
      ),
      0,
    ))

  it.each([
    ['a line', [0, 1, 2, 3, 4].map((x) => ({ x, y: 2 * x + 1 }))],
    ['a hyperbola', [-2, -1, 1, 2, 4].map((x) => ({ x: x + 10, y: 1 / x + 10 }))],
    ['one point five times', Array.from({ length: 5 }, () => ({ x: 3, y: 4 }))],
    ['a parabola', [-2, -1, 0, 1, 2].map((x) => ({ x, y: x * x }))],
  ])('of %s gives none', (_name, points) => {
    expect(fitEllipse(points)).toBeNull()
  })

  it('names the long half axis first, whichever way it lies', () => {
    const upright = { x: 50, y: 60, a: 40, b: 20, angle: Math.PI / 2 }
    const points = [0, 1, 2, 3.3, 4.9].map((turn) => pointIn(upright, Math.cos(turn), Math.sin(turn)))
    const found = fitEllipse(points)
    expect(found?.a).toBeCloseTo(40, 6)
    expect(found?.b).toBeCloseTo(20, 6)
    expect(Math.abs(Math.sin(found?.angle ?? 0))).toBeCloseTo(1, 6)
  })
})

describe('moments', () => {
  it('give the ellipse back that was drawn', () => {
    close(momentEllipse(drawn(ellipse, { width: 400, height: 300 })), 1)
  })

  it('of nothing are nothing', () => {
    expect(momentEllipse(maskOf({ width: 4, height: 4 }))).toBeNull()
  })

  it('of one pixel are finite', () => {
    const mask = maskOf({ width: 4, height: 4 })
    mask.data[5] = 1
    expect(momentEllipse(mask)).toMatchObject({ x: 1, y: 1 })
  })
})

describe('points and masks', () => {
  it('know where they are in the ellipse', () => {
    expect(radiusIn(ellipse, ellipse)).toBe(0)
    expect(radiusIn(ellipse, pointIn(ellipse, 0.6, 0.8))).toBeCloseTo(1, 9)
    expect(radiusIn(ellipse, pointIn(ellipse, 0, 0.5))).toBeCloseTo(0.5, 9)
  })

  it('scale with the picture', () => {
    expect(scaled(ellipse, 0.5)).toEqual({ x: 100, y: 75, a: 60, b: 40, angle: 0.4 })
  })

  it('overlap wholly, in part, not at all, and if both are empty not at all', () => {
    const size = { width: 400, height: 300 }
    const whole = drawn(ellipse, size)
    expect(overlap(whole, whole)).toBe(1)
    expect(overlap(whole, drawn({ ...ellipse, a: 60, b: 40 }, size))).toBeCloseTo(0.25, 2)
    expect(overlap(whole, maskOf(size))).toBe(0)
    expect(overlap(maskOf(size), maskOf(size))).toBe(0)
  })
})

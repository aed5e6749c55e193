import { describe, expect, test } from 'vitest'
import { dragged, firstPlate, type Handle, handlesOf, keyStep, nudged } from './plate.ts'

const flat = { x: 0.5, y: 0.4, a: 0.3, b: 0.2, angle: 0 }
const height = 0.75
const tilts = [0, 0.4, -0.9, Math.PI / 2]

describe('the rim of a plate', () => {
  test('has its handles on its axes', () => {
    expect(handlesOf(flat)).toEqual({
      centre: { x: 0.5, y: 0.4 },
      long: { x: 0.2, y: 0.4 },
      short: { x: 0.5, y: expect.closeTo(0.6) },
      turn: { x: expect.closeTo(0.86), y: 0.4 },
    })
  })

  test.each(tilts.flatMap((angle) => (['centre', 'long', 'short', 'turn'] as const).map((handle) => ({ angle, handle }))))(
    'stays as it is when the handle $handle is taken and let go, turned by $angle',
    ({ angle, handle }) => {
      const ellipse = { ...flat, angle }
      const same = dragged(ellipse, handle, { to: handlesOf(ellipse)[handle], height })
      expect({ ...same, angle: Math.cos(2 * same.angle) }).toEqual({
        x: expect.closeTo(flat.x),
        y: expect.closeTo(flat.y),
        a: expect.closeTo(flat.a),
        b: expect.closeTo(flat.b),
        angle: expect.closeTo(Math.cos(2 * angle)),
      })
    },
  )

  test('follows each handle', () => {
    expect(dragged(flat, 'centre', { to: { x: 0.1, y: 0.2 }, height })).toEqual({ ...flat, x: 0.1, y: 0.2 })
    expect(dragged(flat, 'long', { to: { x: 0.1, y: 0.7 }, height }).a).toBeCloseTo(0.4)
    expect(dragged(flat, 'short', { to: { x: 0.1, y: 0.7 }, height }).b).toBeCloseTo(0.3)
    expect(dragged(flat, 'turn', { to: { x: 0.6, y: 0.5 }, height }).angle).toBeCloseTo(Math.PI / 4)
    expect(dragged(flat, 'turn', { to: { x: 0.4, y: 0.4 }, height }).angle).toBeCloseTo(0)
  })

  test('keeps its centre in the photo, and never vanishes nor outgrows it', () => {
    expect(dragged(flat, 'centre', { to: { x: 3, y: 3 }, height })).toMatchObject({ x: 1, y: 0.75 })
    expect(dragged(flat, 'long', { to: { x: 0.5, y: 0.4 }, height }).a).toBe(0.02)
    expect(dragged(flat, 'short', { to: { x: 0.5, y: 9 }, height }).b).toBe(1)
  })
})

describe('by the keyboard', () => {
  const press = (handle: Handle, key: string, fast = false) => nudged(flat, handle, { key, fast, height })

  test('the centre moves, with Shift ten times as far', () => {
    expect(press('centre', 'ArrowLeft')?.x).toBeCloseTo(0.5 - keyStep)
    expect(press('centre', 'ArrowDown', true)?.y).toBeCloseTo(0.4 + 10 * keyStep)
  })

  test('axes stretch, and it turns by degrees', () => {
    expect(press('long', 'ArrowUp')?.a).toBeCloseTo(0.3 + keyStep)
    expect(press('short', 'ArrowLeft', true)?.b).toBeCloseTo(0.2 - 10 * keyStep)
    expect(press('turn', 'ArrowRight')?.angle).toBeCloseTo(Math.PI / 180)
  })

  test('other keys are left to the page', () => {
    expect(press('centre', 'Tab')).toBeNull()
  })
})

test('begins with what was said, what was found, or a plate in the middle', () => {
  const found = { ...flat, angle: 1 }
  expect(firstPlate(flat, found, height)).toBe(flat)
  expect(firstPlate(undefined, found, height)).toBe(found)
  const middle = firstPlate(undefined, undefined, 0.4)
  expect(middle).toMatchObject({ x: 0.5, y: 0.2 })
  expect(middle.b).toBeLessThan(0.2)
})

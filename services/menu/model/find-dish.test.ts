import { describe, expect, it } from 'vitest'
import { confidenceGate, findDish, tiltOf } from './dish.ts'
import { drawn, type Ellipse, overlap, scaled } from './ellipse.ts'
import { labOf } from './lab.ts'
import { shrunk } from './photo.ts'
import { plates, render, type Scene, withoutPlate } from './scene.fixtures.ts'

async function look(scene: Scene, hint: Ellipse | null = null) {
  const { picture, plate } = render(scene)
  const small = await shrunk(picture, 384)
  const found = findDish(labOf(small), { hint: hint && scaled(hint, small.width / picture.width) })
  const outline = scaled(found.outline, picture.width / small.width)
  return { ...found, outline, agreement: overlap(drawn(outline, picture), plate) }
}

describe('a plate whose edge is seen', () => {
  it.each(plates)('$name', async (scene) => {
    const { method, confidence, outline, agreement } = await look(scene)
    expect(method).toBe('plate')
    expect(confidence).toBeGreaterThanOrEqual(confidenceGate)
    expect(agreement).toBeGreaterThanOrEqual(0.95)
    const tilt = (tiltOf(outline) * 180) / Math.PI
    // Off the middle of the picture the plate is seen at another angle than the one that the camera has to the vertical.
    expect(Math.abs(tilt - scene.tilt)).toBeLessThanOrEqual(scene.plateAt === undefined ? 3 : 6)
  })

  it('is found the same each time', async () => {
    const [scene] = plates
    if (scene === undefined) throw new Error('no scene')
    expect((await look(scene)).outline).toEqual((await look(scene)).outline)
  })
})

describe('a photo without a whole plate', () => {
  it.each(withoutPlate)('is not believed to have one: $name', async (scene) => {
    const { method, confidence, warnings } = await look(scene)
    expect(method).toBe('relief')
    expect(confidence).toBeLessThan(confidenceGate)
    expect(warnings).toHaveLength(1)
  })

  it('is believed of what a person has drawn', () => {
    const lab = labOf({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3).fill(90) })
    const outline = { x: 32, y: 24, a: 20, b: 15, angle: 0 }
    expect(findDish(lab, { drawn: outline })).toMatchObject({ method: 'plate', confidence: 1, outline, warnings: [] })
  })
})

describe('a hint', () => {
  const [scene] = plates
  const [board] = withoutPlate

  it('of the plate, a little off, leads to it', async () => {
    if (scene === undefined) throw new Error('no scene')
    const { outline } = await look(scene)
    const hinted = await look(scene, { ...outline, a: outline.a * 1.03, b: outline.b * 0.97, x: outline.x + 4 })
    expect(hinted.agreement).toBeGreaterThanOrEqual(0.95)
  })

  it.each([
    ['beside the plate', { x: 60, y: 60, a: 50, b: 40, angle: 0 }],
    ['outside of the photo', { x: -900, y: 4000, a: 50, b: 40, angle: 0 }],
    ['larger than the photo', { x: 256, y: 192, a: 9000, b: 4000, angle: 1 }],
  ])('%s changes nothing', async (_name, hint) => {
    if (scene === undefined) throw new Error('no scene')
    expect((await look(scene, hint)).outline).toEqual((await look(scene)).outline)
  })

  it('of a plate that is not there is not believed', async () => {
    if (board === undefined) throw new Error('no scene')
    expect(await look(board, { x: 256, y: 180, a: 150, b: 110, angle: 0 })).toMatchObject({ method: 'relief' })
  })
})

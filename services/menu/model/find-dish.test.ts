import { describe, expect, it } from 'vitest'
import { confidenceGate, findDish, tiltOf } from './dish.ts'
import { drawn, overlap, scaled } from './ellipse.ts'
import { labOf } from './lab.ts'
import { shrunk } from './photo.ts'
import { plates, render, type Scene, withoutPlate } from './scene.fixtures.ts'

async function look(scene: Scene) {
  const { picture, plate } = render(scene)
  const small = await shrunk(picture, 384)
  const found = findDish(labOf(small))
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
    expect(findDish(lab, outline)).toMatchObject({ method: 'plate', confidence: 1, outline, warnings: [] })
  })
})

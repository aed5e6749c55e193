import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { confidenceGate, findDish, tiltOf } from './dish.ts'
import { drawn, type Ellipse, overlap, scaled } from './ellipse.ts'
import { labOf, type Picture } from './lab.ts'
import { type Model, makeModel, plainBytes, webBytes } from './make-model.ts'
import { decodePhoto, normalisePhoto, shrunk } from './photo.ts'
import { bytesOf, formats, pictureOfPhoto, type RealPhoto, seen, taken, takes, unseen } from './real-photos.fixtures.ts'
import { requireValid } from './validate.ts'

const silent = () => undefined
const limits = { maxPixels: 1_000_000 }
const all = [...seen, ...unseen]
const combinations = (photos: readonly RealPhoto[]) => photos.flatMap((photo) => takes.map((take) => ({ photo, take })))

async function look(picture: Picture) {
  const small = await shrunk(picture, 384)
  const found = findDish(labOf(small))
  return { ...found, outline: scaled(found.outline, picture.width / small.width) }
}

function agreement(picture: Picture, one: Ellipse, other: Ellipse | null): number {
  return other === null ? 0 : overlap(drawn(one, picture), drawn(other, picture))
}

describe('a plate that is seen whole', () => {
  it.each(combinations(seen))('$photo.name, $take.name, is found', async ({ photo, take }) => {
    const { picture, rim } = await taken(photo, take)
    const { method, confidence, outline } = await look(picture)
    expect(method).toBe('plate')
    expect(confidence).toBeGreaterThanOrEqual(confidenceGate)
    // It ends at the inner edge of the band of metal: 2.3 of 92.6 pixels, which is five hundredths of the area.
    expect(agreement(picture, outline, rim)).toBeGreaterThanOrEqual(0.94)
    // Two hundredths of the height make 11° where the camera looks straight at the plate, and less everywhere else.
    expect(Math.abs(Math.cos(tiltOf(outline)) - (rim === null ? 0 : rim.b / rim.a))).toBeLessThan(0.02)
  })
})

describe('a plate that is not', () => {
  it.each(combinations(unseen))('$photo.name, $take.name, is not made up', async ({ photo, take }) => {
    const { method, confidence, warnings } = await look((await taken(photo, take)).picture)
    expect(method).toBe('relief')
    expect(confidence).toBeLessThan(confidenceGate)
    expect(warnings).toEqual([expect.stringContaining('draw it or crop')])
  })
})

describe('the model of a real photo', () => {
  const digest = ({ plain, web, poster }: Model) => [plain, web, poster].map((bytes) => createHash('sha256').update(bytes).digest('hex'))

  it.each(all)('$name is valid, small, and the same twice', async (photo) => {
    const picture = await pictureOfPhoto(photo)
    const made = await makeModel(picture, { diameterCm: 26, help: null }, silent)
    expect(made.plain.byteLength).toBeLessThanOrEqual(plainBytes)
    expect(made.web.byteLength).toBeLessThanOrEqual(webBytes)
    await requireValid(made.plain)
    await requireValid(made.web)
    expect(made.confident).toBe(seen.includes(photo))
    expect(digest(await makeModel(picture, { diameterCm: 26, help: null }, silent))).toEqual(digest(made))
  })

  it.each(all.filter(({ rim }) => rim !== null))('$name is that of the plate which a person has drawn', async ({ name, rim }) => {
    const picture = await pictureOfPhoto({ name, rim })
    const plate = rim === null ? undefined : scaled(rim, 1 / picture.width)
    const made = await makeModel(picture, { diameterCm: 26, help: { plate } }, silent)
    expect(made).toMatchObject({ method: 'plate', confident: true, warnings: [] })
    expect(made.tiltDegrees).toBeCloseTo((Math.acos((rim?.b ?? 0) / (rim?.a ?? 1)) * 180) / Math.PI, 6)
    await requireValid(made.plain)
    await requireValid(made.web)
  })
})

describe('a real photo in another format', () => {
  const photos = all.filter(({ name }) => name === 'espresso' || name === 'stoneware-plate')
  const rows = photos.flatMap((photo) => formats.map((format) => ({ photo, format })))

  it.each(rows)('$photo.name, $format.name, is read as it is seen', async ({ photo, format: { write, difference } }) => {
    const expected = await pictureOfPhoto(photo)
    const { jpeg } = await normalisePhoto(await write(await bytesOf(photo)), limits)
    const read = await decodePhoto(jpeg)
    expect([read.width, read.height]).toEqual([expected.width, expected.height])
    const [one, other] = [labOf(read), labOf(expected)]
    expect(meanDifference(one.L.data, other.L.data)).toBeLessThan(difference[0])
    expect(meanDifference(one.a.data, other.a.data)).toBeLessThan(difference[1])
    expect(meanDifference(one.b.data, other.b.data)).toBeLessThan(difference[2])
  })

  it.each(rows)('$photo.name, $format.name, shows the same dish', async ({ photo, format: { write } }) => {
    const { jpeg } = await normalisePhoto(await write(await bytesOf(photo)), limits)
    const picture = await decodePhoto(jpeg)
    const { method, outline } = await look(picture)
    expect(method).toBe(seen.includes(photo) ? 'plate' : 'relief')
    if (method === 'plate') expect(agreement(picture, outline, photo.rim)).toBeGreaterThanOrEqual(0.94)
  })

  function meanDifference(one: Float32Array, other: Float32Array): number {
    return one.reduce((sum, value, index) => sum + Math.abs(value - (other[index] ?? 0)), 0) / one.length
  }
})

import { describe, expect, it } from 'vitest'
import { digestOf, type Help, isStep, progressAt, steps } from './model.ts'
import { modelIdOf, objectsOfPhoto, objectsOfResult, outputObject, photoObject, sourceOf } from './object.ts'

const ingredients = { sourceSha256: 'a'.repeat(64), help: null, diameterCm: 26 }
const crop = { x: 0.1, y: 0.2, width: 0.5, height: 0.6 }
const plate = { x: 0.5, y: 0.4, a: 0.3, b: 0.2, angle: 0.1 }

describe('the digest of a model', () => {
  it('is the same for the same ingredients, whatever order the members of the help came in', () => {
    expect(digestOf({ ...ingredients })).toBe(digestOf(ingredients))
    const { x, y, width, height } = crop
    expect(digestOf({ ...ingredients, help: { crop: { height, width, y, x } } })).toBe(digestOf({ ...ingredients, help: { crop } }))
    const turned = Object.fromEntries(Object.entries(plate).toReversed()) as typeof plate
    expect(digestOf({ ...ingredients, help: { plate: turned } })).toBe(digestOf({ ...ingredients, help: { plate } }))
  })

  it('is another one for every other ingredient', () => {
    const helps: Help[] = [
      { crop },
      { crop: { ...crop, x: 0.2 } },
      { crop: { ...crop, y: 0.1 } },
      { crop: { ...crop, width: 0.4 } },
      { crop: { ...crop, height: 0.5 } },
      { plate },
      ...(['x', 'y', 'a', 'b', 'angle'] as const).map((name) => ({ plate: { ...plate, [name]: 0.25 } })),
    ]
    const digests = [
      digestOf(ingredients),
      digestOf({ ...ingredients, sourceSha256: 'b'.repeat(64) }),
      digestOf({ ...ingredients, diameterCm: 25.9 }),
      ...helps.map((help) => digestOf({ ...ingredients, help })),
    ]
    expect(new Set(digests).size).toBe(digests.length)
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('the steps', () => {
  it('begin at nothing, only ever go forward, and end before all is done', () => {
    const progress = steps.map(progressAt)
    expect(progress).toEqual(progress.toSorted((one, other) => one - other))
    expect([progress[0], new Set(progress).size, (progress.at(-1) ?? 100) < 100]).toEqual([0, steps.length, true])
  })

  it('are known by name, and nothing else is', () => {
    for (const step of steps) expect(isStep(step)).toBe(true)
    for (const name of ['', 'toString', '__proto__', 'Fetch']) expect(isStep(name)).toBe(false)
  })
})

describe('objects', () => {
  const ids = { tenantId: crypto.randomUUID(), dishId: crypto.randomUUID() }
  const photo = { ...ids, id: crypto.randomUUID() }
  const model = { ...ids, modelId: crypto.randomUUID() }
  const sha256 = 'c'.repeat(64)

  it('lie below their tenant and their dish, and none is in the place of another', () => {
    const objects = [
      sourceOf(photo),
      photoObject(photo, sha256),
      photoObject(photo, 'd'.repeat(64)),
      ...(['plain', 'web', 'poster'] as const).flatMap((output) => [
        outputObject(model, output, sha256),
        outputObject(model, output, 'd'.repeat(64)),
      ]),
    ]
    for (const { key } of objects) expect(key.startsWith(`${ids.tenantId}/${ids.dishId}/`)).toBe(true)
    expect(new Set(objects.map(({ bucket, key }) => `${bucket}/${key}`)).size).toBe(objects.length)
  })

  it('of a model name it; what lies there otherwise belongs to none', () => {
    expect(modelIdOf(outputObject(model, 'web', sha256).key)).toBe(model.modelId)
    for (const key of ['', 'x', `${ids.tenantId}/${ids.dishId}/${model.modelId}`, `${ids.tenantId}/${model.modelId}/file.glb`]) {
      expect(modelIdOf(key)).toBeUndefined()
    }
  })

  it('of a row are all that it knows', () => {
    expect(objectsOfPhoto({ sourceKey: null, key: null })).toEqual([])
    expect(objectsOfPhoto({ sourceKey: 's', key: 'k' })).toEqual([
      { bucket: 'dish-images', key: 's' },
      { bucket: 'dish-images', key: 'k' },
    ])
    expect(objectsOfResult(null)).toEqual([])
    const file = (key: string) => ({ key, bytes: 1, sha256 })
    const files = { plain: file('p'), web: file('w'), poster: file('o') }
    expect(objectsOfResult({ files }).map(({ bucket, key }) => `${bucket}/${key}`)).toEqual([
      'dish-models/p',
      'dish-models/w',
      'dish-models/o',
    ])
  })
})

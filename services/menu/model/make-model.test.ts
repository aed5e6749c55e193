import { createHash } from 'node:crypto'
import { NodeIO } from '@gltf-transform/core'
import { EXTMeshoptCompression, EXTTextureWebP, KHRMeshQuantization } from '@gltf-transform/extensions'
import { MeshoptDecoder } from 'meshoptimizer'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Picture } from './lab.ts'
import { type Model, makeModel, plainBytes, steps, webBytes } from './make-model.ts'
import { plates, render, type Scene, withoutPlate } from './scene.fixtures.ts'
import { requireValid } from './validate.ts'

const silent = () => undefined
const [onPlain, tilted] = plates
const [onBoard, emptyTable] = withoutPlate

function photoOf(scene: Scene | undefined, width = 1200, height = 900): Picture {
  if (scene === undefined) throw new Error('no scene')
  return render({ ...scene, width, height }).picture
}

async function shapeOf(glb: Uint8Array) {
  const io = new NodeIO()
    .registerExtensions([EXTMeshoptCompression, EXTTextureWebP, KHRMeshQuantization])
    .registerDependencies({ 'meshopt.decoder': MeshoptDecoder })
  const document = await io.readBinary(glb)
  const root = document.getRoot()
  const primitive = root.listMeshes()[0]?.listPrimitives()[0]
  const positions = primitive?.getAttribute('POSITION')
  const indices = [...(primitive?.getIndices()?.getArray() ?? [])]
  const points = Array.from({ length: positions?.getCount() ?? 0 }, (_, k) => positions?.getElement(k, []) ?? [])
  return { root, points, indices, texture: root.listTextures()[0] }
}

let photo: Picture
let model: Model
beforeAll(async () => {
  photo = photoOf(tilted)
  model = await makeModel(photo, { diameterCm: 26, help: null }, silent)
})

describe('a model', () => {
  it('is made step by step', async () => {
    const told: string[] = []
    await makeModel(photoOf(onPlain, 300, 225), { diameterCm: 26, help: null }, (step) => told.push(step))
    expect(told).toEqual(steps)
  })

  it('keeps to its budgets and is valid', async () => {
    expect(model.plain.byteLength).toBeLessThanOrEqual(plainBytes)
    expect(model.web.byteLength).toBeLessThanOrEqual(webBytes)
    await requireValid(model.plain)
    await requireValid(model.web)
  })

  it('is the same twice, byte for byte', async () => {
    const again = await makeModel(photo, { diameterCm: 26, help: null }, silent)
    const digest = ({ plain, web, poster }: Model) => [plain, web, poster].map((bytes) => createHash('sha256').update(bytes).digest('hex'))
    expect(digest(again)).toEqual(digest(model))
  })

  it('says what was seen', () => {
    expect(model).toMatchObject({ method: 'plate', confident: true, warnings: [] })
    expect(Math.abs(model.tiltDegrees - 39)).toBeLessThan(2)
    expect(model.outline.a).toBeGreaterThan(0.2)
    expect(model.outline.b / model.outline.a).toBeCloseTo(Math.cos((39 * Math.PI) / 180), 1)
  })

  it('keeps the budgets with a photo that cannot be compressed', async () => {
    const noise = photoOf({
      ...plates[2],
      table: ({ x, y }) => [(x * 9999) % 255, (y * 7777) % 255, (x * y * 5555) % 255],
      noise: 120,
    } as Scene)
    const loud = await makeModel(noise, { diameterCm: 26, help: { plate: { x: 0.5, y: 0.37, a: 0.4, b: 0.36, angle: 0 } } }, silent)
    expect(loud.plain.byteLength).toBeLessThanOrEqual(plainBytes)
    expect(loud.web.byteLength).toBeLessThanOrEqual(webBytes)
  })

  it('of a photo of one colour is made, too', async () => {
    const flat = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(128) }
    const made = await makeModel(flat, { diameterCm: 26, help: null }, silent)
    expect(made).toMatchObject({ method: 'relief', confident: false })
    await requireValid(made.plain)
  })
})

describe('the plain file', () => {
  it('is core glTF with a JPEG, in metres, as wide as the plate, standing on the table', async () => {
    const { root, points, texture } = await shapeOf(model.plain)
    expect(root.listExtensionsUsed()).toEqual([])
    expect(texture?.getMimeType()).toBe('image/jpeg')
    const extent = (axis: number) => points.map((point) => point[axis] ?? 0)
    expect(Math.max(...extent(0)) - Math.min(...extent(0))).toBeCloseTo(0.26, 3)
    expect(Math.max(...extent(2)) - Math.min(...extent(2))).toBeCloseTo(0.26, 3)
    expect(Math.min(...extent(1))).toBeCloseTo(0, 3)
    expect(Math.max(...extent(1))).toBeGreaterThan(0.01)
    expect(Math.max(...extent(1))).toBeLessThan(0.08)
  })

  it('is one closed shell that faces outwards', async () => {
    const { points, indices } = await shapeOf(model.plain)
    const edges = new Map<string, number>()
    let volume = 0
    for (let k = 0; k < indices.length; k += 3) {
      const corners = [indices[k] ?? 0, indices[k + 1] ?? 0, indices[k + 2] ?? 0] as const
      for (const [from, to] of [
        [corners[0], corners[1]],
        [corners[1], corners[2]],
        [corners[2], corners[0]],
      ] as const) {
        edges.set(`${from}-${to}`, (edges.get(`${from}-${to}`) ?? 0) + 1)
      }
      volume += signedVolume(corners.map((index) => points[index] ?? []))
    }
    const open = [...edges].filter(([edge, count]) => count !== 1 || edges.get(edge.split('-').toReversed().join('-')) !== 1)
    expect(open).toEqual([])
    expect(volume).toBeGreaterThan(0.0001)
  })

  function signedVolume([p = [], q = [], r = []]: readonly number[][]): number {
    const at = (point: readonly number[], axis: number) => point[axis] ?? 0
    const cross = (axis: number) => at(q, (axis + 1) % 3) * at(r, (axis + 2) % 3) - at(q, (axis + 2) % 3) * at(r, (axis + 1) % 3)
    return (at(p, 0) * cross(0) + at(p, 1) * cross(1) + at(p, 2) * cross(2)) / 6
  }

  it('grows with the plate', async () => {
    const large = await makeModel(photo, { diameterCm: 52, help: null }, silent)
    const { points } = await shapeOf(large.plain)
    expect(Math.max(...points.map(([x = 0]) => x)) * 2).toBeCloseTo(0.52, 3)
  })
})

describe('the web file', () => {
  it('is simplified, with meshopt and WebP', async () => {
    const { root, indices, texture } = await shapeOf(model.web)
    expect(
      root
        .listExtensionsUsed()
        .map(({ extensionName }) => extensionName)
        .sort(),
    ).toEqual(['EXT_meshopt_compression', 'EXT_texture_webp', 'KHR_mesh_quantization'])
    expect(texture?.getMimeType()).toBe('image/webp')
    expect((await sharp(texture?.getImage() ?? new Uint8Array()).metadata()).format).toBe('webp')
    expect(indices.length / 3).toBe(model.webTriangles)
    expect(model.webTriangles).toBeLessThan(model.triangles * 0.6)
  })
})

describe('the poster', () => {
  it('shows the dish on nothing', async () => {
    const { data, info } = await sharp(model.poster).raw().toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width: 512, height: 512, channels: 4 })
    const alpha = (x: number, y: number) => data[(y * 512 + x) * 4 + 3]
    expect([alpha(2, 2), alpha(509, 509), alpha(256, 256)]).toEqual([0, 0, 255])
    const [red = 0, green = 0, blue = 0] = data.subarray((280 * 512 + 256) * 4)
    // The steak in the middle is brown.
    expect(red).toBeGreaterThan(green)
    expect(green).toBeGreaterThan(blue)
  })
})

describe('help', () => {
  it('by a crop keeps the outline in the whole photo', async () => {
    const cropped = await makeModel(photo, { diameterCm: 26, help: { crop: { x: 0.1, y: 0.05, width: 0.8, height: 0.8 } } }, silent)
    expect(cropped.method).toBe('plate')
    for (const key of ['x', 'y', 'a', 'b'] as const) expect(cropped.outline[key]).toBeCloseTo(model.outline[key], 2)
  })

  it('by a plate is believed', async () => {
    const plate = { x: 0.45, y: 0.4, a: 0.25, b: 0.2, angle: 0.1 }
    const helped = await makeModel(photoOf(onBoard), { diameterCm: 26, help: { plate } }, silent)
    expect(helped).toMatchObject({ method: 'plate', confidence: 1, confident: true })
    for (const key of ['x', 'y', 'a', 'b', 'angle'] as const) expect(helped.outline[key]).toBeCloseTo(plate[key], 9)
  })

  it('by a crop or a plate that reaches over the border still makes a model', async () => {
    for (const help of [{ crop: { x: 0.9, y: 0.9, width: 0.5, height: 0.5 } }, { plate: { x: 0.95, y: 0.7, a: 0.3, b: 0.2, angle: 0 } }]) {
      await requireValid((await makeModel(photoOf(emptyTable), { diameterCm: 26, help }, silent)).plain)
    }
  })
})

describe('without a plate', () => {
  it('a slab is made as long and wide as what stands out, and said to be doubtful', async () => {
    const made = await makeModel(photoOf(onBoard), { diameterCm: 26, help: null }, silent)
    expect(made).toMatchObject({ method: 'relief', confident: false, tiltDegrees: 0 })
    expect(made.warnings).toEqual([expect.stringContaining('no round plate')])
    const { points } = await shapeOf(made.plain)
    const width = Math.max(...points.map(([x = 0]) => x)) * 2
    const depth = Math.max(...points.map(([, , z = 0]) => z)) * 2
    expect(width).toBeCloseTo(0.26, 2)
    expect(depth / width).toBeCloseTo(made.outline.b / made.outline.a, 1)
  })

  it('an empty table becomes a plain slab', async () => {
    const made = await makeModel(photoOf(emptyTable), { diameterCm: 26, help: null }, silent)
    expect(made).toMatchObject({ method: 'relief', confidence: 0 })
    expect(made.warnings).toEqual([expect.stringContaining('nothing stands out')])
  })
})

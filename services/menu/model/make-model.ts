import sharp, { type Sharp } from 'sharp'
import { confidenceGate, dishOf, type Found, findDish, type Method } from './dish.ts'
import { type Ellipse, scaled } from './ellipse.ts'
import { plainGlb, webGlb } from './glb.ts'
import { labOf, type Picture } from './lab.ts'
import { type Mesh, meshOf } from './mesh.ts'
import { imageOf, pictureOf, shrunk } from './photo.ts'
import { renderPoster } from './poster.ts'
import { type DishTexture, textureOf } from './texture.ts'

/** Part of the key of a model: another version makes another model of the same photo. */
export const pipelineVersion = 1
export const steps = ['analyse', 'segment', 'height', 'mesh', 'optimise'] as const
export type MakingStep = (typeof steps)[number]

const analysisSide = 384
const posterSide = 512
const kibibyte = 1024
export const plainBytes = 450 * kibibyte
export const webBytes = 96 * kibibyte

/** Of the photo: 0 to 1 of its width and of its height. */
export interface Crop {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** What a person adds to the photo. */
export interface Help {
  readonly crop?: Crop | undefined
  /** All in shares of the photo's width; the angle in radians. */
  readonly plate?: Ellipse | undefined
}

export interface ModelRequest {
  readonly diameterCm: number
  readonly help: Help | null
}

export interface Model {
  /** Core glTF 2.0 with a JPEG. */
  readonly plain: Uint8Array
  /** With meshopt and WebP. */
  readonly web: Uint8Array
  readonly poster: Uint8Array
  readonly method: Method
  readonly confidence: number
  readonly confident: boolean
  readonly tiltDegrees: number
  readonly triangles: number
  readonly webTriangles: number
  readonly warnings: readonly string[]
  /** Of the plate, or of what was taken for the dish, in shares of the photo's width. */
  readonly outline: Ellipse
}

/** The same photo and request give the same bytes. */
export async function makeModel(whole: Picture, { diameterCm, help }: ModelRequest, onStep: (step: MakingStep) => void): Promise<Model> {
  onStep('analyse')
  const corner = cornerOf(whole, help?.crop)
  const photo = corner === null ? whole : await pictureOf(imageOf(whole).extract(corner))
  const small = await shrunk(photo, analysisSide)
  const scale = small.width / photo.width
  const lab = labOf(small)
  onStep('segment')
  const found = findDish(lab, help?.plate === undefined ? null : scaled(help.plate, small.width))
  onStep('height')
  const dish = dishOf(lab, found, diameterCm / 100)
  onStep('mesh')
  const mesh = meshOf(dish)
  onStep('optimise')
  const files = await encoded(mesh, await textureOf(photo, mesh, scale))
  const outline = outlineOf(found, { scale, corner, width: whole.width })
  return { ...files, ...factsOf(found, dish.tilt), triangles: mesh.indices.length / 3, outline }
}

function factsOf({ method, confidence, warnings }: Found, tilt: number) {
  return { method, confidence, confident: confidence >= confidenceGate, warnings, tiltDegrees: (tilt * 180) / Math.PI }
}

function cornerOf({ width, height }: Picture, crop: Crop | undefined) {
  if (crop === undefined) return null
  const [left, top] = [Math.floor(crop.x * width), Math.floor(crop.y * height)]
  const size = { width: Math.floor(crop.width * width), height: Math.floor(crop.height * height) }
  return { left, top, width: Math.max(1, Math.min(size.width, width - left)), height: Math.max(1, Math.min(size.height, height - top)) }
}

interface Framed {
  readonly scale: number
  readonly corner: { readonly left: number; readonly top: number } | null
  readonly width: number
}

function outlineOf({ outline }: Found, { scale, corner, width }: Framed): Ellipse {
  const inPhoto = scaled(outline, 1 / scale)
  return scaled({ ...inPhoto, x: inPhoto.x + (corner?.left ?? 0), y: inPhoto.y + (corner?.top ?? 0) }, 1 / width)
}

async function encoded(mesh: Mesh, texture: DishTexture) {
  const plain = await withinBudget(texture.picture, plainBytes, async (image, quality) => {
    const bytes = await image.jpeg({ quality: quality + 7 }).toBuffer()
    return await plainGlb(mesh, texture.uv, { bytes, type: 'image/jpeg' })
  })
  const { bytes: web, triangles: webTriangles } = await webWithinBudget(mesh, texture)
  return { plain, web, webTriangles, poster: await posterOf(mesh, texture) }
}

/** What the mesh takes is known before the picture is made: the picture gets the rest. */
async function webWithinBudget(mesh: Mesh, { picture, uv }: DishTexture): Promise<{ bytes: Uint8Array; triangles: number }> {
  const web = await webGlb(mesh, uv)
  const room = webBytes - (await web.write(new Uint8Array(4))).byteLength
  const image = await withinBudget(picture, room, (image, quality) => image.webp({ quality, effort: 3 }).toBuffer())
  return { bytes: await web.write(image), triangles: web.triangles }
}

/** Quality first, then size: a blurred dish looks better than one of blocks. */
const levels = [
  { quality: 78, size: 1 },
  { quality: 65, size: 1 },
  { quality: 50, size: 1 },
  { quality: 35, size: 1 },
  { quality: 35, size: 0.6 },
  { quality: 35, size: 0.35 },
  { quality: 20, size: 0.2 },
]

type Encode = (image: Sharp, quality: number) => Promise<Uint8Array>

/** The first level that fits; the last one always does. */
async function withinBudget(picture: Picture, budget: number, encode: Encode): Promise<Uint8Array> {
  for (const { quality, size } of levels) {
    const bytes = await encode(size === 1 ? imageOf(picture) : imageOf(picture).resize(Math.ceil(picture.width * size)), quality)
    if (bytes.byteLength <= budget) return bytes
  }
  throw new RangeError(`the picture does not fit into ${budget} bytes`)
}

/** Drawn at twice its size, which smooths its edges. */
async function posterOf(mesh: Mesh, { picture, uv }: DishTexture): Promise<Uint8Array> {
  const side = posterSide * 2
  const pixels = renderPoster(mesh, uv, { texture: picture, size: side })
  return await sharp(pixels, { raw: { width: side, height: side, channels: 4 } })
    .resize(posterSide)
    .webp({ quality: 80, effort: 3 })
    .toBuffer()
}

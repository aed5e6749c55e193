import { problem } from '@slipway/problem'
import sharp, { type Metadata, type Sharp } from 'sharp'
import type { Picture } from './lab.ts'

export interface PhotoLimits {
  /** Width × height at most, read from the header before anything is decoded. */
  readonly maxPixels: number
}

export interface PhotoHeader {
  readonly format: 'jpeg' | 'png' | 'webp' | 'avif'
  readonly width: number
  readonly height: number
}

const leastSide = 64
/** Of the copy that is kept and shown. */
const longestSide = 2048

/**
 * What the beginning of a photo says of it; 256 KiB are enough also behind large metadata.
 * @throws photo.unreadable, photo.unsupported, photo.too-many-pixels
 */
export async function readPhotoHeader(head: Uint8Array, { maxPixels }: PhotoLimits): Promise<PhotoHeader> {
  const metadata = await metadataOf(head).catch(unreadable)
  const format = formatOf(metadata)
  const { width, height, pages = 1 } = metadata
  if (pages > 1) throw unsupported(`it is an animation of ${pages} pictures`)
  if (width * height > maxPixels) {
    throw problem('photo.too-many-pixels', {
      detail: `the photo has ${width} × ${height} pixels, more than ${maxPixels} in all`,
      errors: [field],
    })
  }
  if (Math.min(width, height) < leastSide)
    throw unsupported(`it has ${width} × ${height} pixels, and ${leastSide} × ${leastSide} are needed`)
  return { format, width, height }
}

async function metadataOf(head: Uint8Array): Promise<Metadata> {
  return await sharp(head, { limitInputPixels: false, failOn: 'none' }).metadata()
}

/** HEIC is HEVC in the container of AVIF; its decoder is not in sharp's build, for its patents. */
function formatOf({ format, compression }: Metadata): PhotoHeader['format'] {
  if (format === 'jpeg' || format === 'png' || format === 'webp') return format
  if (format === 'heif' && compression === 'av1') return 'avif'
  if (format === 'heif') throw unsupported('it is HEIC: save it as JPEG')
  throw unsupported(`it is ${format.toUpperCase()}: JPEG, PNG, WebP and AVIF are accepted`)
}

const field = { pointer: '/body/photo', detail: 'is not a photo that can be taken' }

function unsupported(reason: string): Error {
  return problem('photo.unsupported', { detail: `the photo cannot be taken: ${reason}`, errors: [field] })
}

function unreadable(cause: unknown): never {
  throw problem('photo.unreadable', {
    detail: 'the photo cannot be decoded: it is damaged, cut short or no picture',
    errors: [field],
    cause,
  })
}

export interface NormalPhoto {
  readonly jpeg: Uint8Array
  readonly width: number
  readonly height: number
}

/**
 * Upright, 8 bit sRGB on white, with no metadata: neither place nor camera.
 * @throws photo.unreadable, photo.unsupported, photo.too-many-pixels
 */
export async function normalisePhoto(source: Uint8Array, limits: PhotoLimits): Promise<NormalPhoto> {
  await readPhotoHeader(source, limits)
  const { data, info } = await sharp(source, { limitInputPixels: limits.maxPixels, failOn: 'truncated' })
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 90 })
    .toBuffer({ resolveWithObject: true })
    .catch(unreadable)
  return { jpeg: data, width: info.width, height: info.height }
}

/** @throws photo.unreadable */
export async function decodePhoto(jpeg: Uint8Array): Promise<Picture> {
  return await pictureOf(sharp(jpeg)).catch(unreadable)
}

export const imageOf = ({ width, height, data }: Picture): Sharp => sharp(data, { raw: { width, height, channels: 3 } })

export async function pictureOf(image: Sharp): Promise<Picture> {
  const { data, info } = await image.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data }
}

export function shrunk(picture: Picture, longest: number): Promise<Picture> {
  return pictureOf(imageOf(picture).resize({ width: longest, height: longest, fit: 'inside', withoutEnlargement: true }))
}

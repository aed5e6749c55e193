import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { type Ellipse, scaled } from './ellipse.ts'
import type { Picture } from './lab.ts'
import { decodePhoto, imageOf } from './photo.ts'

const jpeg = { quality: 95 }

/** A photo of `photos/`, where its author and licence are named, with what a person has marked in it. */
export interface RealPhoto {
  readonly name: string
  /** The rim as a person sees it, also where it is hidden, in pixels of the photo; null: the dish is not round. */
  readonly rim: Ellipse | null
}

/** The whole rim can be seen. */
export const seen: readonly RealPhoto[] = [
  // A stoneware dish from the front. A band of metal, two pixels wide, is around its edge.
  { name: 'stoneware-plate', rim: { x: 160.4, y: 124.7, a: 92.6, b: 92.6, angle: 0 } },
]

/** It cannot, or it shines so much that no colour is that of the plate. */
export const unseen: readonly RealPhoto[] = [
  // The cup hides the far quarter of the saucer, and has a whole rim of its own.
  { name: 'espresso', rim: { x: 277.3, y: 219.7, a: 202.8, b: 168.4, angle: 0.187 } },
  // Seen almost from the side: a fifth as high as it is wide.
  { name: 'tea-bowl', rim: { x: 157.8, y: 153.2, a: 104.3, b: 20.3, angle: 0.01 } },
  { name: 'iron-pan', rim: { x: 160.1, y: 121.2, a: 103.2, b: 42, angle: 0.005 } },
  { name: 'fluted-cup', rim: null },
  // No dish to eat from, but round, and among many edges.
  { name: 'solar-cooker', rim: { x: 125, y: 89.7, a: 89.8, b: 88, angle: 0 } },
]

export function bytesOf({ name }: RealPhoto): Promise<Uint8Array> {
  return readFile(new URL(`./photos/${name}.jpg`, import.meta.url))
}

export async function pictureOfPhoto(photo: RealPhoto): Promise<Picture> {
  return await decodePhoto(await bytesOf(photo))
}

/** As JPEG, which is what a camera gives. */
export async function taken(photo: RealPhoto, { take, moved }: Take): Promise<{ picture: Picture; rim: Ellipse | null }> {
  const whole = await pictureOfPhoto(photo)
  const picture = await decodePhoto(await take(imageOf(whole), whole).jpeg(jpeg).toBuffer())
  return { picture, rim: photo.rim && moved(photo.rim, whole) }
}

/** Another photo of the same dish, as another camera, light or person would have taken it. */
interface Take {
  readonly name: string
  readonly take: (image: Sharp, size: { width: number; height: number }) => Sharp
  readonly moved: (rim: Ellipse, size: { width: number; height: number }) => Ellipse
}

const unmoved = (rim: Ellipse) => rim

export const takes: readonly Take[] = [
  { name: 'as it is', take: (image) => image, moved: unmoved },
  { name: 'in greyscale', take: (image) => image.greyscale(), moved: unmoved },
  { name: 'in the dark', take: (image) => image.linear(0.5, 0), moved: unmoved },
  { name: 'in bright light', take: (image) => image.linear(1.25, 10), moved: unmoved },
  { name: 'out of focus', take: (image) => image.blur(1.2), moved: unmoved },
  { name: 'from afar', take: (image, { width }) => image.resize(Math.round(width * 0.7)), moved: (rim) => scaled(rim, 0.7) },
  { name: 'in a mirror', take: (image) => image.flop(), moved: (rim, { width }) => ({ ...rim, x: width - 1 - rim.x, angle: -rim.angle }) },
  {
    name: 'turned by 90°',
    take: (image) => image.rotate(90),
    moved: (rim, { height }) => ({ ...rim, x: height - 1 - rim.y, y: rim.x, angle: rim.angle + Math.PI / 2 }),
  },
  {
    name: 'cut closer',
    take: (image, { width, height }) => image.extract({ left: 10, top: 3, width: width - 14, height: height - 6 }),
    moved: (rim) => ({ ...rim, x: rim.x - 10, y: rim.y - 3 }),
  },
]

/** The same photo as other devices and programs write it. */
interface Format {
  readonly name: string
  readonly write: (photo: Uint8Array) => Promise<Uint8Array>
  /** Of L, a and b on average: ink has not all colours of the screen. */
  readonly difference: readonly [number, number, number]
}

const any = Number.POSITIVE_INFINITY

export const formats: readonly Format[] = [
  {
    name: 'lying on its side, with EXIF saying so',
    write: (photo) => sharp(photo).rotate(-90).jpeg(jpeg).withMetadata({ orientation: 6 }).toBuffer(),
    difference: [2, 2, 2],
  },
  { name: 'in greyscale', write: (photo) => sharp(photo).greyscale().jpeg(jpeg).toBuffer(), difference: [2, any, any] },
  { name: 'in CMYK', write: (photo) => sharp(photo).toColourspace('cmyk').jpeg(jpeg).toBuffer(), difference: [8, 8, 8] },
  { name: 'in CMYK with its profile', write: (photo) => sharp(photo).withIccProfile('cmyk').jpeg(jpeg).toBuffer(), difference: [8, 8, 8] },
  { name: 'as PNG of 16 bits', write: (photo) => sharp(photo).toColourspace('rgb16').png().toBuffer(), difference: [2, 2, 2] },
  {
    name: 'in the colours of a telephone (P3)',
    write: (photo) => sharp(photo).withIccProfile('p3').jpeg(jpeg).toBuffer(),
    difference: [2, 2, 2],
  },
]

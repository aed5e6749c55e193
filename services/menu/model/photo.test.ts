import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodePhoto, normalisePhoto, readPhotoHeader } from './photo.ts'

const limits = { maxPixels: 1_000_000 }
const scene = (width = 200, height = 100) => sharp({ create: { width, height, channels: 3, background: { r: 200, g: 80, b: 40 } } })
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'taken',
    (error: { code?: string }) => error.code,
  )

/** A JPEG whose header promises more pixels than follow. */
async function promised(width: number, height: number): Promise<Buffer> {
  const photo = await scene().jpeg().toBuffer()
  const frame = photo.indexOf(Buffer.from('ffc0', 'hex'))
  photo.writeUInt16BE(height, frame + 5)
  photo.writeUInt16BE(width, frame + 7)
  return photo
}

describe('the header', () => {
  it.each([
    ['jpeg', () => scene().jpeg().toBuffer()],
    ['png', () => scene().png().toBuffer()],
    ['webp', () => scene().webp().toBuffer()],
    ['avif', () => scene().avif({ effort: 0 }).toBuffer()],
  ] as const)('of a %s says its size', async (format, make) => {
    expect(await readPhotoHeader(await make(), limits)).toEqual({ format, width: 200, height: 100 })
  })

  it('is enough: the rest of the photo need not be there', async () => {
    const noise = await sharp(Buffer.from(Array.from({ length: 900 * 900 * 3 }, (_, k) => (k * 7919) % 251)), {
      raw: { width: 900, height: 900, channels: 3 },
    })
      .jpeg({ quality: 95 })
      .toBuffer()
    expect(noise.byteLength).toBeGreaterThan(400_000)
    expect(await readPhotoHeader(noise.subarray(0, 65_536), limits)).toMatchObject({ width: 900, height: 900 })
  })

  it.each([
    ['text', () => Buffer.from('this is no photo'), 'photo.unreadable'],
    ['nothing', () => Buffer.alloc(0), 'photo.unreadable'],
    ['a bomb of 50,000 × 50,000', () => promised(50_000, 50_000), 'photo.too-many-pixels'],
    ['one pixel', () => scene(1, 1).png().toBuffer(), 'photo.unsupported'],
    ['a strip', () => scene(900, 63).png().toBuffer(), 'photo.unsupported'],
    ['a GIF', () => scene().gif().toBuffer(), 'photo.unsupported'],
    ['a TIFF', () => scene().tiff().toBuffer(), 'photo.unsupported'],
    ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>'), 'photo.unsupported'],
    [
      'an animation',
      async () =>
        sharp(await animation(), { animated: true })
          .webp()
          .toBuffer(),
      'photo.unsupported',
    ],
  ])('of %s is refused', async (_name, make, expected) => {
    expect(await code(readPhotoHeader(await make(), limits))).toBe(expected)
  })

  function animation(): Promise<Buffer> {
    const frames = Buffer.from(Array.from({ length: 100 * 200 * 3 }, (_, k) => (k < 30_000 ? 10 : 240)))
    return sharp(frames, { raw: { width: 100, height: 200, channels: 3, pageHeight: 100 } })
      .gif({ delay: [100, 100] })
      .toBuffer()
  }
})

describe('a photo', () => {
  it('is turned upright, and loses what it says of place and camera', async () => {
    const source = await scene(200, 100)
      .jpeg()
      .withExif({ IFD0: { Make: 'Camera', Orientation: '6' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 12/1' } })
      .withMetadata({ orientation: 6 })
      .toBuffer()
    expect((await sharp(source).metadata()).exif).toBeDefined()
    const { jpeg, width, height } = await normalisePhoto(source, limits)
    expect([width, height]).toEqual([100, 200])
    const { exif, icc, iptc, xmp, orientation } = await sharp(jpeg).metadata()
    expect([exif, icc, iptc, xmp, orientation]).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it('is made smaller than 2048 pixels, and never larger', async () => {
    const large = await normalisePhoto(await scene(3000, 1000).jpeg().toBuffer(), { maxPixels: 3_000_000 })
    expect([large.width, large.height]).toEqual([2048, 683])
    const small = await normalisePhoto(await scene(100, 80).jpeg().toBuffer(), limits)
    expect([small.width, small.height]).toEqual([100, 80])
  })

  it.each([
    ['greyscale', () => scene().greyscale().jpeg().toBuffer()],
    ['CMYK', () => scene().toColourspace('cmyk').jpeg().toBuffer()],
    ['16 bits', () => scene().toColourspace('rgb16').png().toBuffer()],
    ['a palette', () => scene().png({ palette: true }).toBuffer()],
  ])('in %s becomes sRGB of 8 bits', async (_name, make) => {
    const { jpeg } = await normalisePhoto(await make(), limits)
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', space: 'srgb', channels: 3, depth: 'uchar' })
    const { width, height, data } = await decodePhoto(jpeg)
    expect([width, height, data.length]).toEqual([200, 100, 60_000])
  })

  it('that is transparent lies on white', async () => {
    const clear = await sharp({ create: { width: 80, height: 80, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer()
    const { data } = await decodePhoto((await normalisePhoto(clear, limits)).jpeg)
    expect([data[0], data[1], data[2]]).toEqual([255, 255, 255])
  })

  it.each([2, 10, 100])('that lacks its last part (1/%s) is refused', async (share) => {
    const whole = await sharp(Buffer.from(Array.from({ length: 300 * 300 * 3 }, (_, k) => (k * 7919) % 251)), {
      raw: { width: 300, height: 300, channels: 3 },
    })
      .jpeg()
      .toBuffer()
    expect(await code(normalisePhoto(whole.subarray(0, Math.floor(whole.length * (1 - 1 / share))), limits))).toBe('photo.unreadable')
  })

  it.each([
    ['text named as one', async () => Buffer.from('this is no photo'), 'photo.unreadable'],
    ['a bomb', () => promised(50_000, 50_000), 'photo.too-many-pixels'],
  ])('that is %s is refused before it is decoded', async (_name, make, expected) => {
    expect(await code(normalisePhoto(await make(), limits))).toBe(expected)
  })
})

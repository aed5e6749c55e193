import { plates, render } from '@slipway/menu/scenes'
import sharp from 'sharp'

const size = { width: 1024, height: 768 }

/** Photos of plates as phones send them, drawn: JPEG of 1024 × 768 pixels, one per scene of the tests. */
export function platePhotos(count: number): Promise<Buffer[]> {
  return Promise.all(plates.slice(0, count).map((scene) => photoOf(render({ ...scene, ...size }).picture.data)))
}

function photoOf(pixels: Uint8Array): Promise<Buffer> {
  return sharp(pixels, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()
}

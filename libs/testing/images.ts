import { crc32, deflateSync } from 'node:zlib'

export interface ImageOptions {
  width?: number
  height?: number
}

/** A valid PNG in one colour. */
export function pngOf(options: ImageOptions & { colour?: readonly [red: number, green: number, blue: number] } = {}): Buffer {
  const { width = 16, height = 16, colour = [200, 60, 20] } = options
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // Eight bits per channel, RGB.
  header.set([8, 2, 0, 0, 0], 8)
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: width }, () => Buffer.from(colour))])
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)))
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND')])
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/**
 * A valid baseline JPEG, all grey. Its Huffman tables hold one code each, "no difference" and "end of block", so that every block of
 * 8 × 8 pixels is two zero bits.
 */
export function jpegOf({ width = 16, height = 16 }: ImageOptions = {}): Buffer {
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff]
  const oneCode = [1, ...Array.from({ length: 15 }, () => 0), 0]
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8)
  const bits = blocks * 2
  const data = Buffer.alloc(Math.ceil(bits / 8))
  // The last byte is filled up with ones.
  if (bits % 8) data[data.length - 1] = 0xff >> (bits % 8)
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...Array.from({ length: 64 }, () => 1)]),
    segment(0xc0, [8, ...size, 1, 1, 0x11, 0]),
    segment(0xc4, [0x00, ...oneCode]),
    segment(0xc4, [0x10, ...oneCode]),
    segment(0xda, [1, 1, 0, 0, 63, 0]),
    data,
    Buffer.from([0xff, 0xd9]),
  ])
}

function segment(marker: number, content: number[]): Buffer {
  const length = content.length + 2
  return Buffer.from([0xff, marker, length >> 8, length & 0xff, ...content])
}

import { crc32, deflateSync } from 'node:zlib'

type Colour = readonly [red: number, green: number, blue: number]

/** A plate seen from a slant, with something round on it: PNG, in a colour that no other photo has unless one is asked for. */
export function platePhoto({
  width = 640,
  height = 480,
  food = anyColour(),
}: {
  width?: number
  height?: number
  food?: Colour
} = {}): Buffer {
  const within = (x: number, y: number, share: number) =>
    Math.hypot((x - width / 2) / (width * 0.38), (y - height / 2) / (width * 0.27)) < share
  const rows = Buffer.alloc((width * 3 + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour: Colour = within(x, y, 0.5) ? food : within(x, y, 1) ? [244, 242, 236] : [107, 74, 43]
      rows.set(colour, y * (width * 3 + 1) + 1 + x * 3)
    }
  }
  return png(header(width, height), deflateSync(rows))
}

function anyColour(): Colour {
  const part = () => 60 + Math.floor(Math.random() * 120)
  return [200, part(), part()]
}

/** A PNG that claims a size nobody could decode; there is next to nothing behind its header. */
export function immensePhoto(): Buffer {
  return png(header(50_000, 50_000), deflateSync(Buffer.alloc(1000)))
}

/** Eight bits per channel, RGB (PNG, third edition, §11.2.1). */
function header(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(13)
  bytes.writeUInt32BE(width, 0)
  bytes.writeUInt32BE(height, 4)
  bytes.set([8, 2], 8)
  return bytes
}

function png(head: Buffer, pixels: Buffer): Buffer {
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}

/**
 * A grey JPEG (ITU-T T.81): each Huffman table has the one code `0`, for "as the block before" and for "nothing more in this block", so
 * that a block is two zero bits. Cut off where `share` says.
 */
export function greyJpeg({ width = 320, height = 240, share = 1 } = {}): Buffer {
  const segment = (marker: number, content: readonly number[]) => [0xff, marker, 0, content.length + 2, ...content]
  const codes = [1, ...Array<number>(15).fill(0), 0]
  const bits = Math.ceil(width / 8) * Math.ceil(height / 8) * 2
  const blocks = Buffer.alloc(Math.ceil(bits / 8))
  const bytes = Buffer.from([
    0xff,
    0xd8,
    ...segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...segment(0xdb, [0, ...Array<number>(64).fill(1)]),
    ...segment(0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]),
    ...segment(0xc4, [0, ...codes]),
    ...segment(0xc4, [0x10, ...codes]),
    ...segment(0xda, [1, 1, 0, 0, 63, 0]),
  ])
  if (share < 1) return Buffer.concat([bytes, blocks.subarray(0, Math.floor(blocks.length * share))])
  return Buffer.concat([bytes, blocks, Buffer.from([0xff, 0xd9])])
}

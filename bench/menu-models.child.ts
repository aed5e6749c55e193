import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createModelPool } from '@slipway/menu/pool'
import sharp from 'sharp'

export interface Measured {
  readonly dishes: readonly { milliseconds: number; plain: number; web: number; poster: number }[]
  /** Milliseconds of the least that one does with a photo, for a ratio that holds on other machines. */
  readonly thumbnails: readonly number[]
  readonly idleMebibytes: number
  readonly peakMebibytes: number
}

const rounds = 3
const [folder = '.'] = process.argv.slice(2)
const photos = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
const limits = { maxPixels: 50_000_000 }
const signal = new AbortController().signal
const kibibyte = 1024

async function thumbnail(photo: Buffer): Promise<number> {
  const began = performance.now()
  await sharp(photo).resize(512).jpeg().toBuffer()
  return performance.now() - began
}

sharp.concurrency(1)
sharp.cache(false)
const idleMebibytes = Math.round(process.memoryUsage.rss() / kibibyte / kibibyte)
await using pool = createModelPool({ threads: 1, memoryMb: 256 })
const dishes: Measured['dishes'][number][] = []
const thumbnails: number[] = []
for (const photo of Array.from({ length: rounds }, () => photos).flat()) {
  const began = performance.now()
  const normal = await pool.normalise(photo, limits, { signal })
  const made = await pool.make({ photo: normal.jpeg, diameterCm: 26, help: null }, { signal, onStep: () => undefined })
  const { plain, web, poster } = made
  dishes.push({
    milliseconds: performance.now() - began,
    plain: plain.byteLength,
    web: web.byteLength,
    poster: poster.byteLength,
  })
  thumbnails.push(await thumbnail(photo))
}
const peakMebibytes = Math.round(process.resourceUsage().maxRSS / kibibyte)
process.stdout.write(JSON.stringify({ dishes, thumbnails, idleMebibytes, peakMebibytes } satisfies Measured))

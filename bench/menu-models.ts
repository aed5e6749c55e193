import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Measured } from './menu-models.child.ts'
import { platePhotos } from './menu-photos.ts'
import { publish, quantile } from './results.ts'

/**
 * What a dish costs, from the bytes of its photo to validated files, one at a time: milliseconds, memory and bytes. Measured in a
 * process of its own, so that the memory for drawing the photos does not count. `node bench/menu-models.ts`
 */
const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'))
try {
  const photos = await platePhotos(14)
  for (const [index, photo] of photos.entries()) writeFileSync(join(folder, `${index}.jpg`), photo)
  const child = fileURLToPath(new URL('menu-models.child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [child, folder], { maxBuffer: 1 << 24 })
  const { dishes, thumbnails, peakMebibytes, idleMebibytes } = JSON.parse(stdout) as Measured
  const milliseconds = dishes.map((dish) => dish.milliseconds)
  publish('menu-models', {
    photos: photos.length,
    runs: dishes.length,
    milliseconds: { median: quantile(milliseconds, 0.5), p95: quantile(milliseconds, 0.95), most: quantile(milliseconds, 1) },
    timesAThumbnail: Math.round(quantile(milliseconds, 0.5) / quantile(thumbnails, 0.5)),
    memoryMebibytes: { idle: idleMebibytes, peak: peakMebibytes },
    bytes: {
      plain: quantile(
        dishes.map((dish) => dish.plain),
        1,
      ),
      web: quantile(
        dishes.map((dish) => dish.web),
        1,
      ),
      poster: quantile(
        dishes.map((dish) => dish.poster),
        1,
      ),
    },
  })
} finally {
  rmSync(folder, { recursive: true })
}

import { cleanContent, partedSize } from '../content.ts'
import { upload } from '../operations.ts'
import type { S3Manner } from '../s3-way.ts'
import type { Chaos, Fault } from './fault.ts'

interface Case {
  readonly name: string
  readonly manner: S3Manner
  readonly seconds: number
}

const cases: readonly Case[] = [
  { name: 's3 answers 500 for one in twenty', manner: 'errors', seconds: 10 },
  { name: 's3 ten seconds slow', manner: 'slow', seconds: 25 },
  { name: 's3 full', manner: 'full', seconds: 8 },
]

/** Content that has begun to flow can only break off. */
const breaks = (method: string) => method === 'GET'

const manners: readonly Fault[] = cases.map(({ manner, ...fault }) => ({
  ...fault,
  breaks,
  async begin({ world: { stores } }) {
    stores.s3Way.manner = manner
    return async () => {
      stores.s3Way.manner = 'pass'
    }
  },
}))

const uploadsAtATime = 2
/** Each has two parts, and one in four is hit. */
const mostUploads = 60

/** Beside the load, which has few uploads of several parts, one after the other is sent until the fault is over, and until one was hit. */
const cut: Fault = {
  name: 's3 cut in mid-part',
  seconds: 8,
  breaks,
  async begin({ world, client, note, signal }: Chaos) {
    const { s3Way } = world.stores
    const before = s3Way.cutParts
    const over = new AbortController()
    let sent = 0
    s3Way.manner = 'cut'
    const lane = async () => {
      while (!(over.signal.aborted && s3Way.cutParts > before) && sent < mostUploads && !signal.aborted) {
        sent++
        await upload(client, cleanContent(partedSize))
      }
    }
    const lanes = Promise.all(Array.from({ length: uploadsAtATime }, lane))
    lanes.catch(() => undefined)
    return async () => {
      over.abort()
      await lanes.finally(() => {
        s3Way.manner = 'pass'
      })
      const parts = s3Way.cutParts - before
      note(`${parts} parts of ${sent} uploads cut`)
      if (parts === 0) client.ledger.violate('no-effect', `no part of ${sent} uploads was cut`)
    }
  },
}

export const storageFaults: readonly Fault[] = [...manners, cut]

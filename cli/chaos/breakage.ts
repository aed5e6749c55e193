import { randomBytes, randomUUID } from 'node:crypto'
import { withClient } from '@slipway/db'
import { createAssembler, createStorage, newAssembly } from '@slipway/storage'
import { partedSize } from './content.ts'
import { keysOf, readableBucket } from './probe.ts'
import type { World } from './world.ts'

/**
 * What is broken on purpose, to see that it is found: clamd says "OK" to everything, an object is removed behind the back, or a sweep leaves an object
 * without its row and an open upload.
 */
export type Breakage = 'lie' | 'lose' | 'leave'

export async function loseOne({ target }: World): Promise<void> {
  await using storage = createStorage(target.storage)
  const [key = ''] = await keysOf(storage, readableBucket)
  await storage.remove({ bucket: readableBucket, key })
}

export async function leaveSome({ target }: World): Promise<void> {
  await withClient({ url: target.database.adminUrl }, (admin) =>
    admin.query(`delete from files.files where id = (select id from files.files where verdict = 'clean' and head_id is null limit 1)`),
  )
  await using storage = createStorage(target.storage)
  let number = 0
  const ledger = { nextPart: async () => ++number, keep: async () => undefined }
  using assembly = createAssembler(storage).open(newAssembly(`nobody/${randomUUID()}`), { ledger, signal: new AbortController().signal })
  await assembly.append(randomBytes(partedSize))
  await assembly.pause()
}

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createGunzip, createGzip } from 'node:zlib'
import type { Digest, Vault } from '@slipway/storage/backup'
import { digestOf } from './digest.ts'
import { BackupError } from './error.ts'
import { type IndexLine, keyOf, type ObjectsManifest } from './manifest.ts'

/** Writes an index line by line at the pace of the store. */
export interface IndexWriter {
  write(line: IndexLine): Promise<void>
  /** Resolves when it is stored; nothing is stored before. */
  end(): Promise<Digest>
  /** Leaves nothing behind. */
  fail(reason: Error): Promise<void>
}

export function writeIndex(vault: Vault, id: string): IndexWriter {
  const gzip = createGzip()
  const stored = vault.put(keyOf.index(id), gzip, { contentType: 'application/gzip' })
  stored.catch((error: Error) => gzip.destroy(error))
  return {
    async write(line) {
      if (!gzip.write(`${JSON.stringify(line)}\n`)) await Promise.race([once(gzip, 'drain'), stored])
    },
    async end() {
      gzip.end()
      return await stored
    },
    async fail(reason) {
      gzip.destroy(reason)
      await stored.catch(() => undefined)
    },
  }
}

/** The lines of an index in their order. Whoever trusts them has seen `checkIndex` pass. */
export async function* readIndex(vault: Vault, id: string): AsyncGenerator<IndexLine> {
  const { stream } = await vault.read(keyOf.index(id))
  const plain = createGunzip()
  stream.on('error', (error) => plain.destroy(error))
  const lines = createInterface({ input: stream.pipe(plain), crlfDelay: Number.POSITIVE_INFINITY })
  // readline ends quietly when its input fails.
  let failure: Error | undefined
  plain.on('error', (error) => {
    failure = error
    lines.close()
  })
  try {
    for await (const line of lines) yield JSON.parse(line) as IndexLine
    if (failure) throw new BackupError(`the index of objects backup ${id} cannot be read: ${failure.message}`, { cause: failure })
  } finally {
    stream.destroy()
    plain.destroy()
  }
}

/** @throws {BackupError} when the index is not the one that its manifest names */
export async function checkIndex(vault: Vault, { id, index }: ObjectsManifest): Promise<void> {
  const { stream } = await vault.read(keyOf.index(id))
  const { size, sha256 } = await digestOf(stream)
  if (size !== index.bytes || sha256 !== index.sha256) throw new BackupError(`the index of objects backup ${id} is damaged`)
}

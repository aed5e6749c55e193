import { Readable } from 'node:stream'
import { createGunzip, createInflateRaw, type InflateRaw } from 'node:zlib'
import type { ByteCursor, Chunks } from './byte-cursor.ts'
import { damaged } from './refusal.ts'

const chunkSize = 65_536

/** Inflates the raw deflate data (RFC 1951) that begins at the cursor, and leaves the cursor right behind its last byte. */
export async function* inflateRaw(cursor: ByteCursor): AsyncGenerator<Buffer, void, undefined> {
  const inflate = createInflateRaw({ chunkSize })
  const fed = feed(cursor, inflate)
  fed.catch((error: unknown) => inflate.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const chunk of inflate) yield chunk
    await fed
  } catch (error) {
    throw zlibRefusal(error)
  } finally {
    inflate.destroy()
  }
}

/** Hands over chunks until zlib leaves a part of one untouched: there its data has ended. */
async function feed(cursor: ByteCursor, inflate: InflateRaw): Promise<void> {
  for (;;) {
    const chunk = await cursor.some()
    if (chunk.length === 0) return void inflate.end()
    const before = inflate.bytesWritten
    await new Promise<void>((resolve, reject) => {
      inflate.once('close', resolve)
      inflate.write(chunk, (error) => {
        inflate.off('close', resolve)
        if (error) reject(error)
        else resolve()
      })
    })
    const used = inflate.bytesWritten - before
    cursor.advance(used)
    if (used < chunk.length || inflate.destroyed) return
  }
}

/** All members of a gzip file (RFC 1952), one behind the other, as `gunzip` gives them. */
export async function* gunzip(chunks: Chunks): AsyncGenerator<Buffer, void, undefined> {
  const unzipped = createGunzip({ chunkSize })
  const source = Readable.from(chunks)
  source.on('error', (error) => unzipped.destroy(error))
  try {
    for await (const chunk of source.pipe(unzipped)) yield chunk
  } catch (error) {
    throw zlibRefusal(error)
  } finally {
    source.destroy()
    unzipped.destroy()
  }
}

function zlibRefusal(error: unknown): unknown {
  const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
  return isZlib ? damaged(`its compressed data is broken: ${error.message}`) : error
}

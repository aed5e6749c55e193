import { createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from 'node:zlib'
import { ByteCursor, type Chunks } from './byte-cursor.ts'
import { damaged } from './refusal.ts'

const chunkSize = 65_536

/** Inflates the raw deflate data (RFC 1951) that begins at the cursor, and leaves the cursor right behind its last byte. */
export function inflateRaw(cursor: ByteCursor): AsyncGenerator<Buffer, void, undefined> {
  return unpack(cursor, createInflateRaw({ chunkSize }))
}

async function* unpack(cursor: ByteCursor, inflate: InflateRaw | Gunzip): AsyncGenerator<Buffer, void, undefined> {
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
async function feed(cursor: ByteCursor, inflate: InflateRaw | Gunzip): Promise<void> {
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

/**
 * All members of a gzip file (RFC 1952), one behind the other, as `gunzip` gives them. Zeros may pad the end; some readers look for members
 * behind them, and clamd does not.
 */
export async function* gunzip(chunks: Chunks): AsyncGenerator<Buffer, void, undefined> {
  const cursor = new ByteCursor(chunks)
  yield* unpack(cursor, createGunzip({ chunkSize }))
  for await (const rest of cursor.chunks()) if (!isZero(rest)) throw damaged('bytes are hidden behind its padding')
}

export function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)))
}

function zlibRefusal(error: unknown): unknown {
  const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
  return isZlib ? damaged(`its compressed data is broken: ${error.message}`) : error
}

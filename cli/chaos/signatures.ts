import { createHash } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const bodies = 180_000
const hashes = 1_500_000
/** Bytes of a pattern: the official ones have about as many in front of their first wildcard. */
const patternBytes = { least: 12, most: 60 }
/** Types that patterns are for, as they are told in ndb: any file, programs, OLE2, HTML, mail, text. */
const targets = [0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 7]

const shared = join(tmpdir(), 'slipway-bench')

/**
 * A folder of signatures as many as the official database has, none of which is in any content: 180,000 patterns and 1.5 million hashes.
 * Made once; always the same.
 */
export async function syntheticSignatures(cache = shared): Promise<string> {
  const folder = join(cache, 'synthetic-signatures-1')
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  await pipeline(Readable.from(inBlocks(patternLines())), createWriteStream(join(unfinished, 'synthetic.ndb')))
  await pipeline(Readable.from(inBlocks(hashLines())), createWriteStream(join(unfinished, 'synthetic.hsb')))
  await rename(unfinished, folder)
  return folder
}

/** Bytes that look random and are always the same. */
function digest(what: string, index: number): Buffer {
  return createHash('sha512').update(`${what} ${index}`).digest()
}

function* patternLines(): Generator<string> {
  const { least, most } = patternBytes
  for (let index = 0; index < bodies; index++) {
    const bytes = digest('pattern', index)
    const length = least + ((bytes[63] ?? 0) % (most - least))
    const target = targets[index % targets.length]
    // One in five has a gap in it.
    const hex = bytes.toString('hex', 0, length)
    yield `Synthetic.Body-${index}:${target}:*:${index % 5 === 0 ? `${hex.slice(0, 16)}{-40}${hex.slice(16)}` : hex}\n`
  }
}

function* hashLines(): Generator<string> {
  for (let index = 0; index < hashes; index++) {
    const bytes = digest('hash', index)
    yield `${bytes.toString('hex', 0, 32)}:${1000 + (bytes.readUInt32LE(40) % 4_000_000)}:Synthetic.Hash-${index}:73\n`
  }
}

function* inBlocks(lines: Iterable<string>): Generator<string> {
  let block = ''
  for (const line of lines) {
    block += line
    if (block.length < 65_536) continue
    yield block
    block = ''
  }
  yield block
}

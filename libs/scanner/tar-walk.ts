import type { ByteCursor, Chunks } from './byte-cursor.ts'
import { isTarHeader } from './format.ts'
import { isZero } from './inflate.ts'
import { damaged } from './refusal.ts'

const block = 512
/** Extended headers have some lines; nobody needs more. */
const maxRecordBytes = 1024 * 1024

type Look = (content: Chunks, name: string) => Promise<number>

export interface TarWalk {
  look: Look
  /** Told around each member: in front of its extended headers or its own, and behind its padding. */
  onBegin?: () => void
  onEnd?: () => void
}

interface Header {
  name: string
  type: string
  size: number
}

/**
 * Gives every member of a tar file to `look`, and holds it to what clamd reads: clamd ends at a block that begins with zero and at a size
 * that is not octal, passes over members of rare types, and knows nothing of sizes and holes that stand in extended headers.
 */
export async function walkTar(cursor: ByteCursor, walk: TarWalk): Promise<void> {
  const stated: string[] = []
  for (let isWhole = true; ; ) {
    const bytes = await cursor.peek(block)
    if (bytes.length === 0) return
    if (isZero(bytes)) return await quietEnd(cursor)
    if (!isTarHeader(bytes)) throw damaged('behind its members stands what is none')
    if (isWhole) walk.onBegin?.()
    isWhole = await walkMember(cursor, { look: walk.look, stated })
    if (isWhole) walk.onEnd?.()
  }
}

/** Some readers go on behind the end, for archives that were put one behind the other. */
async function quietEnd(cursor: ByteCursor): Promise<void> {
  for await (const chunk of cursor.chunks()) if (!isZero(chunk)) throw damaged('behind its end stands something')
}

/** `stated` are the sizes that extended headers tell of the member to come. Gives whether it was one, and not such a header. */
async function walkMember(cursor: ByteCursor, { look, stated }: { look: Look; stated: string[] }): Promise<boolean> {
  const { name, type, size } = headerOf(await cursor.take(block))
  if (isExtension(type)) {
    const records = await recordsOf(cursor, size)
    if (/[xgX]/.test(type)) stated.push(...statedSizes(records))
    if (type === 'g' && stated.length > 0) throw damaged('it tells a size for all of its members')
  } else {
    if (stated.splice(0).some((value) => value !== String(size))) throw damaged(`an extended header tells another size of ${name}`)
    await look(cursor.chunks(size), name)
  }
  const padding = (block - (size % block)) % block
  cursor.advance((await cursor.peek(padding)).length)
  return !isExtension(type)
}

/** Of POSIX (pax), of Solaris, and the long names of GNU. */
function isExtension(type: string): boolean {
  return /^[xgXLK]$/.test(type)
}

function headerOf(header: Buffer): Header {
  const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '')
  const type = header.toString('latin1', 156, 157)
  // Octal digits only: base 256 is for what is larger than 8 GiB.
  const octal = /^ *([0-7]+)(?:[\0 ].*)?$/s.exec(header.toString('latin1', 124, 136))?.[1]
  if (octal === undefined) throw damaged('a member has no size that can be read')
  const size = Number.parseInt(octal, 8)
  if (name === '') throw damaged('a member has no name')
  if (/[1-6V]/.test(type)) {
    if (size > 0) throw damaged(`${name} has content, and is no file`)
  } else if (!'\x0001234567'.includes(type) && !isExtension(type))
    throw damaged(`${name} is of the type ${JSON.stringify(type)}, which cannot be scanned`)
  return { name, type, size }
}

async function recordsOf(cursor: ByteCursor, size: number): Promise<string> {
  if (size > maxRecordBytes) throw damaged('an extended header is too long')
  return (await cursor.take(size)).toString('latin1')
}

/** Readers disagree about what ends a record, so it is looked for everywhere. @throws {Refusal} for files with holes */
function statedSizes(records: string): string[] {
  if (/\d[ \t]+(?:GNU\.sparse\.|SCHILY\.realsize=|SUN\.holesdata=)/.test(records)) throw damaged('a member has holes')
  return [...records.matchAll(/\d[ \t]+size=([^\n]*)/g)].map((match) => match[1] ?? '')
}

import { type Problem, problem } from '@slipway/problem'
import { BodySource, hasBody, type Pace } from './body-source.ts'
import type { Exchange } from './exchange.ts'
import { pointerTo } from './validate.ts'

interface JsonOptions {
  limit: number
  pace: Pace
}

const mebibyte = 1024 * 1024
const maxDepth = 32
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

export const defaultBodyBytes = mebibyte

/**
 * The JSON body of a request.
 * @throws request.unsupported-media-type, request.too-large, request.malformed, request.timeout
 */
export async function readJson(exchange: Exchange, { limit, pace }: JsonOptions): Promise<unknown> {
  const { headers } = exchange.request
  if (!hasBody(exchange.request)) throw malformed('/body', 'is missing: send JSON')
  requireJson(headers['content-type'])
  requireIdentity(headers['content-encoding'])
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
  return parseJson(await readAll(exchange, { limit, pace }))
}

export function tooLarge(limit: number): Problem {
  return problem('request.too-large', { detail: `the body of this route may have ${limit} bytes at most`, limit })
}

/** Compressed bodies would need limits of their own against bombs; nobody needs them here. */
export function requireIdentity(encoding: string | undefined): void {
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw problem('request.unsupported-media-type', {
    detail: 'send the body without Content-Encoding',
    errors: [{ pointer: '/headers/content-encoding', detail: 'must be absent' }],
  })
}

function requireJson(contentType: string | undefined): void {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const charset = parameters
    .find((parameter) => parameter.trim().startsWith('charset='))
    ?.split('=')[1]
    ?.replaceAll('"', '')
    .trim()
  const isJson = type.trim() === 'application/json' || /^application\/[\w.-]+\+json$/.test(type.trim())
  if (isJson && (charset === undefined || charset === 'utf-8' || charset === 'utf8')) return
  throw problem('request.unsupported-media-type', {
    detail: `the body must be application/json in UTF-8, not ${contentType ?? 'without a type'}`,
    errors: [{ pointer: '/headers/content-type', detail: 'must be application/json' }],
    headers: { accept: 'application/json' },
  })
}

async function readAll(exchange: Exchange, { limit, pace }: JsonOptions): Promise<Buffer> {
  using source = new BodySource(exchange, pace)
  const chunks: Buffer[] = []
  let size = 0
  for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) {
    size += chunk.length
    if (size > limit) throw tooLarge(limit)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

export function parseJson(bytes: Buffer): unknown {
  const text = decode(bytes)
  if (tooDeep(text)) throw malformed('/body', `is nested deeper than ${maxDepth} levels`)
  const value = parse(text)
  // Both can only come in through these spellings, so that honest bodies are not walked.
  if (text.includes('__proto__') || text.includes('\\u')) refuseTraps(value, '/body')
  return value
}

function decode(bytes: Buffer): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    throw malformed('/body', 'is not valid UTF-8')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8 quotes the text around the fault, which the client knows; the place is enough.
    const place = /position \d+( \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0]
    throw malformed('/body', `is not valid JSON${place ? `: ${place}` : ''}`)
  }
}

/** Counts brackets outside of strings: no parser has seen the text yet, so depth costs an attacker what it costs us. */
function tooDeep(text: string): boolean {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) index = stringEnd(text, index)
    else if (code === openBrace || code === openBracket) {
      if (++depth > maxDepth) return true
    } else if (code === closeBrace || code === closeBracket) depth--
  }
  return false
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++
    if (slashes % 2 === 0) return end
  }
  return text.length
}

/** `__proto__` would poison whoever merges objects, and Postgres has no text with NUL or half a surrogate pair. */
function refuseTraps(value: unknown, pointer: string): void {
  if (typeof value === 'string' && value.includes('\0')) throw malformed(pointer, 'must not contain NUL')
  if (typeof value === 'string' && !value.isWellFormed()) throw malformed(pointer, 'must not contain half of a surrogate pair')
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    const here = pointerTo(pointer, [key])
    if (key === '__proto__' || key.includes('\0') || !key.isWellFormed()) throw malformed(here, 'is not accepted as a name')
    refuseTraps(member, here)
  }
}

function malformed(pointer: string, detail: string): Problem {
  return problem('request.malformed', { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] })
}

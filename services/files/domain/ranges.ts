/** Inclusive, as on the wire. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * RFC 9110 §14.2. `null` = answer with the whole content: no range, another unit, a malformed one, or several (which a server may
 * ignore, and which is the usual way to make one work for nothing).
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '')
  if (!match) return null
  const [first = '', last = ''] = match.slice(1)
  if (first === '' && last === '') return null
  if (first === '') return suffixRange(Number(last), size)
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return null
  return start >= size ? 'unsatisfiable' : { start, end }
}

function suffixRange(length: number, size: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || size === 0) return 'unsatisfiable'
  return { start: Math.max(0, size - length), end: size - 1 }
}

/** RFC 9110 §13.1.5: the range holds only for exactly this representation. A date is never exact enough here. */
export function rangeApplies(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag
}

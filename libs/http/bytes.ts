/** As in Accept (RFC 9110 §12.5.1). */
export const anyType = '*/*'

/** A body of plain bytes, which the handler reads as they come: `input.stream`. */
export interface Bytes {
  readonly kind: 'bytes'
  /** The one media type that is taken; that of `anyType` takes whatever is said, and no type at all. */
  readonly type: string
  /** Whether a request may come without a body; its content type says nothing then. */
  readonly optional: boolean
}

export function bytes({ type, optional = false }: { type: string; optional?: boolean }): Bytes {
  return { kind: 'bytes', type, optional }
}

export function isBytes(body: unknown): body is Bytes {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'bytes'
}

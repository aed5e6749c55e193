import { fileTypeFromBuffer } from 'file-type'

/** How much of a file's beginning the signatures of file-type need. */
export const headBytes = 4100

const unknownType = 'application/octet-stream'

/**
 * The media type that the bytes show. What the client declares and what the name ends with are never believed: a browser that is told
 * `text/html` runs the file. Text without a signature of its own is `text/plain`, which nothing executes.
 */
export async function sniffContentType(head: Uint8Array): Promise<string> {
  if (head.length === 0) return unknownType
  const found = await signatureType(head)
  if (found) return found
  return isText(head) ? 'text/plain' : unknownType
}

/** A damaged or hostile head makes some detectors throw; it is then merely unknown. */
async function signatureType(head: Uint8Array): Promise<string | undefined> {
  try {
    const result = await fileTypeFromBuffer(head)
    // Some types of file-type carry parameters; the list filter and the safe list compare bare types.
    return result?.mime.split(';')[0]?.trim()
  } catch {
    return undefined
  }
}

/** UTF-8 without control characters except those that text has. A head that ends within a character is still text. */
function isText(head: Uint8Array): boolean {
  const allowed = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b])
  if (head.some((byte) => (byte < 0x20 && !allowed.has(byte)) || byte === 0x7f)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: head.length >= headBytes })
    return true
  } catch {
    return false
  }
}

/** What a browser may show in place without running anything: no markup, no SVG, no scripts. */
const inlineTypes = new Set([
  'application/pdf',
  'audio/aac',
  'audio/flac',
  'audio/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
  'text/plain',
  'video/mp4',
  'video/ogg',
  'video/webm',
])

export function mayBeInline(contentType: string): boolean {
  return inlineTypes.has(contentType)
}

/** The Content-Type header: text gets its charset, or browsers would guess one. */
export function contentTypeHeader(contentType: string): string {
  return contentType === 'text/plain' ? 'text/plain; charset=utf-8' : contentType
}

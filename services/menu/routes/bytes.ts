import { Readable } from 'node:stream'
import { isNotModified, notModified, type RequestInfo, replyStream, strongEtag } from '@slipway/http'
import { isProblem, problem } from '@slipway/problem'
import type { MenuContext } from '../context.ts'
import type { Output, StoredResult } from '../domain/model.ts'
import type { PhotoRow } from '../domain/model-view.ts'
import { contentTypes, imagesBucket, modelsBucket } from '../domain/object.ts'

/** An object that a row says may be shown. */
export interface Shown {
  readonly bucket: string
  readonly key: string
  readonly bytes: number
  readonly sha256: string
  readonly contentType: string
}

export function shownPhoto(row: PhotoRow | null): Shown {
  const { key, bytes, sha256 } = row ?? {}
  if (!key || !bytes || !sha256) throw problem('resource.not-found', { detail: 'the dish has no photo' })
  return { bucket: imagesBucket, key, bytes, sha256, contentType: 'image/jpeg' }
}

export function shownOutput(result: StoredResult | null | undefined, output: Output): Shown {
  if (!result) throw problem('resource.not-found', { detail: 'the dish has no model' })
  return { bucket: modelsBucket, ...result.files[output], contentType: contentTypes[output] }
}

interface Asking {
  readonly request: RequestInfo
  /** What may be shown now. @throws resource.not-found */
  readonly look: () => Promise<Shown>
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The bytes through this process, never from the bucket: whoever asks again later is checked again. Between look and read the object may
 * have gone, since another took its place: then that one is sent.
 */
export async function sendBytes(context: Pick<MenuContext, 'storage'>, asking: Asking) {
  for (let shown = await asking.look(); ; ) {
    try {
      return await send(context, asking, shown)
    } catch (error) {
      if (!isProblem(error, 'resource.not-found')) throw error
      const next = await asking.look()
      if (next.key === shown.key) throw error
      shown = next
    }
  }
}

async function send({ storage }: Pick<MenuContext, 'storage'>, { request, headers }: Asking, shown: Shown) {
  const { bucket, key, bytes, sha256, contentType } = shown
  const etag = strongEtag(sha256)
  // Caches renew what they have kept by the headers of a 304 (RFC 9110 §15.4.5).
  if (isNotModified(request, etag)) return { ...notModified(etag), headers: { etag, ...headers } }
  const stream = request.method === 'HEAD' ? Readable.from([]) : (await storage.read({ bucket, key }, { signal: request.signal })).stream
  return replyStream(200, stream, { headers: { ...headers, etag, 'content-type': contentType, 'content-length': bytes } })
}

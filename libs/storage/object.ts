/** Where an object is: the bucket without the installation's prefix. */
export interface ObjectRef {
  readonly bucket: string
  readonly key: string
}

/** An object as it was when it was looked at. */
export interface ObjectVersion extends ObjectRef {
  /** As the store gives it, with quotes: valid for If-Match. It is no digest. */
  readonly etag: string
}

/** An object that passed the gate. */
export interface StoredObject extends ObjectRef {
  readonly size: number
  /** As the store gives it, with quotes: valid for If-Match. It is no digest. */
  readonly etag: string
  readonly contentType: string
  /** Of the content, in hex; made while it was received. */
  readonly sha256: string
}

/** An object that waits for its verdict, or was refused. Plain data: keep it in the row of the file. */
export interface QuarantineRef extends ObjectRef {
  readonly bucket: 'quarantine'
  readonly size: number
  readonly etag: string
  /** Where it goes when it is clean. */
  readonly target: ObjectRef
}

/** Every key begins with the id of its tenant. */
export function tenantOf({ key }: { readonly key: string }): string {
  return key.slice(0, key.indexOf('/'))
}

/** Part of an object: from `start` to `end` inclusive, from `start` to the last byte, or the last `suffix` bytes. */
export type ByteRange = { start: number; end?: number } | { suffix: number }

export interface ReadOptions {
  range?: ByteRange
  ifMatch?: string
  signal?: AbortSignal
}

export function rangeHeader(range: ByteRange): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.start}-${range.end ?? ''}`
}

import { sql } from 'drizzle-orm'
import { files } from '../schema.ts'

/** The bucket of readable content. */
export const filesBucket = 'files'

/** A row that holds content: a file, a version of one, or the record of a refusal. */
export interface Holder {
  id: string
  /** Null = the object has the id of the row. Overwriting and restoring exchange what rows hold, and never what an object is called. */
  contentId?: string | null
}

export function contentIdOf({ id, contentId }: Holder): string {
  return contentId ?? id
}

/** The same in a query; no two rows hold the same. */
export const contentId = sql<string>`coalesce(${files.contentId}, ${files.id})`

/** Where content is once it is clean. The key says whose it is and nothing that could change. */
export function objectOf({ tenantId, ...holder }: Holder & { tenantId: string }): { bucket: typeof filesBucket; key: string } {
  return { bucket: filesBucket, key: `${tenantId}/${contentIdOf(holder)}` }
}

/** The content that lies under a key of the readable bucket. */
export function contentIdOfKey(key: string): string | undefined {
  return /^[0-9a-f-]{36}\/([0-9a-f-]{36})$/.exec(key)?.[1]
}

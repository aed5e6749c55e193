/** The bucket of readable content. */
export const filesBucket = 'files'

/** Where the content of a file is once it is clean. The key says whose it is and nothing that could change. */
export function objectOf({ tenantId, id }: { tenantId: string; id: string }): { bucket: typeof filesBucket; key: string } {
  return { bucket: filesBucket, key: `${tenantId}/${id}` }
}

/** The file that a key of the readable bucket belongs to. */
export function fileIdOf(key: string): string | undefined {
  return /^[0-9a-f-]{36}\/([0-9a-f-]{36})$/.exec(key)?.[1]
}

import { CreateBucketCommand, HeadBucketCommand } from '@aws-sdk/client-s3'
import type { Connection } from './connection.ts'
import { ask, isMissing } from './error.ts'

/** Creates the buckets that are missing. Several processes may do it at the same time. Gives the names of those it made. */
export async function ensureBuckets(connection: Connection, names: readonly string[]): Promise<string[]> {
  const made: string[] = []
  for (const name of new Set(names)) {
    if (await hasBucket(connection, name)) continue
    await createBucket(connection, name)
    made.push(name)
  }
  return made
}

export async function hasBucket(connection: Connection, name: string, signal?: AbortSignal): Promise<boolean> {
  const command = new HeadBucketCommand({ Bucket: connection.bucket(name) })
  try {
    await connection.client.send(command, signal ? { abortSignal: signal } : {})
    return true
  } catch (error) {
    if (isMissing(error)) return false
    return await ask(Promise.reject(error))
  }
}

async function createBucket(connection: Connection, name: string): Promise<void> {
  try {
    await connection.client.send(new CreateBucketCommand({ Bucket: connection.bucket(name) }))
  } catch (error) {
    // Somebody else made it in the meantime, or it is another account's: then it cannot be looked at.
    const exists = error instanceof Error && /^BucketAlready(OwnedByYou|Exists)$/.test(error.name)
    if (!exists || !(await hasBucket(connection, name))) await ask(Promise.reject(error))
  }
}

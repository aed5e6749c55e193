import { randomUUID } from 'node:crypto'
import { AbortMultipartUploadCommand, DeleteObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Connection } from './connection.ts'
import { checks, type Probing, wishes } from './probe-checks.ts'

export interface ProbeCheck {
  readonly name: string
  readonly ok: boolean
  /** The store can be used without it. */
  readonly optional: boolean
  /** Why not. */
  readonly detail?: string
}

export interface ProbeReport {
  readonly ok: boolean
  readonly checks: readonly ProbeCheck[]
}

/** Tries what this code base needs of S3, one thing after the other, under keys of its own, and removes them again. Never throws. */
export async function probe(connection: Connection, bucket: string): Promise<ProbeReport> {
  const probing: Probing = { client: connection.client, Bucket: connection.bucket(bucket), prefix: `slipway-probe/${randomUUID()}/` }
  const results: ProbeCheck[] = []
  for (const [name, check] of Object.entries(checks)) results.push({ ...(await run(name, () => check(probing))), optional: false })
  for (const [name, check] of Object.entries(wishes)) results.push({ ...(await run(name, () => check(probing))), optional: true })
  results.push({ ...(await run('everything is removed again', () => clean(probing))), optional: false })
  return { ok: results.every((result) => result.ok || result.optional), checks: results }
}

async function run(name: string, check: () => Promise<void>): Promise<Omit<ProbeCheck, 'optional'>> {
  try {
    await check()
    return { name, ok: true }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

async function clean({ client, Bucket, prefix }: Probing): Promise<void> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }))
  for (const { Key, UploadId } of Uploads) await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }))
  for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket, Key }))
}

import { randomUUID } from 'node:crypto'
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import type { Connection } from './connection.ts'
import { ask } from './error.ts'

/** Why a bucket cannot be used, for whoever configures it. */
export type BucketFault = 'missing' | 'keys' | 'denied' | 'read-only' | 'region' | 'clock'

export interface BucketDiagnosis {
  /** Null when it can be listed and written. */
  readonly fault: BucketFault | null
  /** What the store said. */
  readonly detail: string
  /** Where the bucket is, when the store says so while it refuses. */
  readonly region: string | null
  /** The store's clock, milliseconds since the epoch, to the second; null when it does not tell. */
  readonly now: number | null
}

const faultNames: Readonly<Record<string, BucketFault>> = {
  NoSuchBucket: 'missing',
  InvalidAccessKeyId: 'keys',
  SignatureDoesNotMatch: 'keys',
  InvalidToken: 'keys',
  ExpiredToken: 'keys',
  CredentialsProviderError: 'keys',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  PermanentRedirect: 'region',
  AuthorizationHeaderMalformed: 'region',
  IllegalLocationConstraintException: 'region',
  RequestTimeTooSkewed: 'clock',
}

/**
 * Lists a bucket, writes one small object under a key of its own and removes it. Requests with bodies in their answers, as HEAD says no reasons.
 * @throws `storage.unavailable` when there is no answer or another one
 */
export async function diagnoseBucket({ client, bucket }: Connection, name: string): Promise<BucketDiagnosis> {
  const heard = listen(client)
  const Bucket = bucket(name)
  const listing = await outcome(client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 })))
  if (listing) return { ...listing, ...heard() }
  const object = { Bucket, Key: `slipway-probe/${randomUUID()}/writable` }
  const writing = await outcome(client.send(new PutObjectCommand({ ...object, Body: 'slipway' })))
  if (writing) return { ...writing, ...(writing.fault === 'denied' ? { fault: 'read-only' } : {}), ...heard() }
  const removing = await outcome(client.send(new DeleteObjectCommand(object)))
  if (removing) return { ...removing, ...(removing.fault === 'denied' ? { fault: 'read-only' } : {}), ...heard() }
  return { fault: null, detail: 'can be listed and written', ...heard() }
}

type Refusal = Pick<BucketDiagnosis, 'fault' | 'detail'>

async function outcome(answer: Promise<unknown>): Promise<Refusal | null> {
  try {
    await answer
    return null
  } catch (error) {
    const fault = error instanceof Error ? faultNames[error.name] : undefined
    if (fault === undefined || !(error instanceof Error)) return await ask(Promise.reject(error))
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
    return { fault, detail: `${error.name}${status === undefined ? '' : ` (${status})`}: ${error.message}` }
  }
}

/** Both are in the headers of every answer, whatever it is: the time, and with a refusal the region. */
function listen(client: S3Client): () => Pick<BucketDiagnosis, 'region' | 'now'> {
  let headers: Record<string, string> = {}
  client.middlewareStack.add(
    (next) => async (call) => {
      const answer = await next(call)
      const { response } = answer as { response: { headers?: Record<string, string> } }
      headers = response.headers ?? {}
      return answer
    },
    { step: 'deserialize', name: 'slipwayHeaders', priority: 'low', override: true },
  )
  return () => {
    const date = Date.parse(headers['date'] ?? '')
    return { region: headers['x-amz-bucket-region'] ?? null, now: Number.isNaN(date) ? null : date }
  }
}

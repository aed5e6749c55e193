import { hash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'

/** As S3 wants to have it, in base64. A store refuses bytes that have another one. */
export function checksumOf(bytes: Buffer): string {
  return hash('sha256', bytes, 'base64')
}

/** From the digest that is told to people. */
export function checksumFromHex(sha256: string): string {
  return Buffer.from(sha256, 'hex').toString('base64')
}

const checksumHeader = 'x-amz-checksum-sha256'
/** What the signature covers of a body: "Create a canonical request" in the S3 guide to Signature Version 4. */
const payloadHeader = 'x-amz-content-sha256'

/**
 * A body whose SHA-256 goes along as its checksum is not hashed once more for its signature. Not every store compares the body with what is signed
 * (SeaweedFS does not), and not every one may know the checksum: one that passes the probe compares it with one of them.
 */
export function signChecksums(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (call) => {
      const headers = headersOf(call.request)
      const checksum = 'Body' in call.input && headers?.[checksumHeader]
      if (headers && checksum) headers[payloadHeader] = Buffer.from(checksum, 'base64').toString('hex')
      return next(call)
    },
    { step: 'build', name: 'slipwaySignChecksums' },
  )
}

function headersOf(request: unknown): Record<string, string> | undefined {
  return typeof request === 'object' && request !== null && 'headers' in request ? (request.headers as Record<string, string>) : undefined
}

import { S3ServiceException } from '@aws-sdk/client-s3'
import { isProblem, problem } from '@slipway/problem'

const byStatus = {
  404: 'resource.not-found',
  412: 'precondition.failed',
  416: 'range.not-satisfiable',
} as const

/** Waits for an answer of the store and turns its failures into problems. An abort stays what it is. */
export async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw storageProblem(error)
  }
}

export function storageProblem(error: unknown): unknown {
  if (isProblem(error) || isAbort(error) || isMistake(error)) return error
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
  // Without its bucket or its upload no object is missing: something is broken.
  const isBroken = error instanceof S3ServiceException && /^NoSuch(Bucket|Upload)$/.test(error.name)
  if (status && status in byStatus && !isBroken) return problem(byStatus[status as keyof typeof byStatus], { cause: error })
  return problem('storage.unavailable', { retryAfter: 5, cause: error })
}

/** A fault in the code is not one of the store. */
function isMistake(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError
}

/** The SDK has an AbortError of its own, whatever the reason of the signal. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404
}

import type { S3Client } from '@aws-sdk/client-s3'

export interface OperationEnd {
  /** As S3 names it: `PutObject`. */
  readonly operation: string
  /** With its retries, to the beginning of the answer's body. */
  readonly seconds: number
  /** Name of the error; null when there was none. */
  readonly error: string | null
  /** Bytes of the bodies: what was sent, and what the answer announced. */
  readonly sent: number
  readonly received: number
}

/** The outermost step of the client: one call for each operation, whatever tries it took. */
export function tellOperations(client: S3Client, tell: (operation: OperationEnd) => void): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (call) => {
        const began = performance.now()
        const end = (figures: Pick<OperationEnd, 'error' | 'sent' | 'received'>) =>
          tell({ operation: commandName.replace(/Command$/, ''), seconds: (performance.now() - began) / 1000, ...figures })
        try {
          const answer = await next(call)
          end({ error: null, sent: sizeOf(call.input), received: lengthOf(commandName, answer.output) })
          return answer
        } catch (error) {
          end({ error: error instanceof Error ? error.name : 'unknown', sent: 0, received: 0 })
          throw error
        }
      },
    { step: 'initialize', name: 'slipwayOperations', priority: 'high' },
  )
}

function sizeOf(input: object): number {
  const body = 'Body' in input ? input.Body : undefined
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.byteLength
  return 'ContentLength' in input && typeof input.ContentLength === 'number' ? input.ContentLength : 0
}

/** HEAD announces the length of a body that does not come. */
function lengthOf(commandName: string, output: object): number {
  return commandName === 'GetObjectCommand' && 'ContentLength' in output && typeof output.ContentLength === 'number'
    ? output.ContentLength
    : 0
}

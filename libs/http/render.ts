import { z } from 'zod'
import type { Contract } from './contract.ts'
import type { Reply, ReplyHeaders } from './reply.ts'
import type { Rendered } from './send.ts'

export type Render = (answer: Reply) => Rendered

const json = 'application/json; charset=utf-8'

/**
 * Turns an answer into bytes by the contract. Bodies pass through their schema, so that only declared members leave the service: a
 * column that somebody adds to a table does not leak.
 */
export function compileRender(contract: Contract): Render {
  const schemas = new Map<number, z.ZodType>()
  for (const [status, { schema }] of Object.entries(contract.responses)) if (schema) schemas.set(Number(status), z.compile(schema))
  return (answer) => {
    const { status, body, headers } = answer
    const response = contract.responses[status]
    if (!response && status !== 304) throw new Error(`${contract.operation} answered ${status}, which its contract does not have`)
    if (body === undefined) return { status, headers: plain(headers), body: null }
    const text = response?.content !== undefined && typeof body === 'string' ? body : stringify(contract, answer, schemas.get(status))
    return { status, headers: { 'content-type': response?.content ?? json, ...cacheHeaders(headers), ...plain(headers) }, body: text }
  }
}

function stringify(contract: Contract, { status, body }: Reply, schema: z.ZodType | undefined): string {
  const checked = schema?.safeParse(body)
  if (checked?.success) return JSON.stringify(checked.data)
  const reason = checked ? z.prettifyError(checked.error) : 'the contract has no body for it'
  throw new Error(`${contract.operation} answered ${status} against its contract: ${reason}`)
}

/** What has an ETag may be kept by the client, if it asks before each use. */
function cacheHeaders(headers: ReplyHeaders): Record<string, string> {
  return headers.etag === undefined ? {} : { 'cache-control': 'private, no-cache' }
}

export function plain(headers: ReplyHeaders): Record<string, string | number | string[]> {
  const lower: Record<string, string | number | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) lower[name.toLowerCase()] = typeof value === 'object' ? [...value] : value
  }
  return lower
}

import { call, expectStatus } from './client.ts'
import { answeredEarly, form, multipartType, raw } from './raw.ts'

/** The largest file that this installation takes, learned from what it says to one that is much too large. */
export async function largestFile(): Promise<number> {
  const request = raw('POST', '/api/v1/files', { 'content-type': multipartType, 'content-length': String(2 ** 50) })
  const begin = form([{ name: 'file', filename: 'immense.bin', content: 'immense' }], { closed: false })
  const { status, body } = await answeredEarly(request, begin)
  const { limit } = JSON.parse(body) as { limit?: unknown }
  if (status === 413 && typeof limit === 'number') return limit
  throw new Error(`a file of a pebibyte was answered with ${status}: ${body}`)
}

export interface Usage {
  used: { bytes: number; files: number }
  quota: { bytes: number; files: number }
}

export function usage(as?: string): Promise<Usage> {
  return expectStatus<Usage>(call('GET', '/api/v1/files/usage', as === undefined ? {} : { as }), 200)
}

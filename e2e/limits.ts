import { call, expectStatus } from './client.ts'
import { answeredEarly, form, multipartType, raw } from './raw.ts'

/** The largest file that this installation takes, learned from what it says to one that is much too large. */
export async function largestFile(): Promise<number> {
  const answers: unknown[] = []
  // An edge may have a limit of its own, and not tell it: it lets pass what the usual installation takes. Asked last, as some take it.
  for (const bytes of [2 ** 50, 2 ** 30]) {
    const answer = await tooLarge(bytes)
    const { limit } = JSON.parse(answer.body) as { limit?: unknown }
    if (answer.status === 413 && typeof limit === 'number') return limit
    answers.push(answer)
  }
  throw new Error(`files of a pebibyte and of a gibibyte were answered with ${JSON.stringify(answers)}`)
}

function tooLarge(bytes: number) {
  const request = raw('POST', '/api/v1/files', { 'content-type': multipartType, 'content-length': String(bytes) })
  return answeredEarly(request, form([{ name: 'file', filename: 'immense.bin', content: 'immense' }], { closed: false }))
}

export interface Usage {
  used: { bytes: number; files: number }
  quota: { bytes: number; files: number }
}

export function usage(as?: string): Promise<Usage> {
  return expectStatus<Usage>(call('GET', '/api/v1/files/usage', as === undefined ? {} : { as }), 200)
}

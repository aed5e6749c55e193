import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Answer, authorization, type FilesTest, type Tenant } from './files.fixtures.ts'

export const path = '/api/v1/files/resumable'

export interface Uploader {
  tenant: Tenant
  user?: string
  role?: 'viewer' | 'member' | 'admin'
  /** Of another replica than the test's own. */
  url?: string
}

export interface Sent {
  headers?: Record<string, string>
  body?: Buffer | Readable
  signal?: AbortSignal
}

export const metadataOf = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')

export const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** A client of tus that does what it is told, so that what must not be done can be tried. */
export function tus(test: FilesTest, { url = test.url, ...who }: Uploader) {
  const ask = async (method: string, place: string, { headers = {}, body, signal }: Sent = {}): Promise<Answer> => {
    const response = await fetch(new URL(place, url), {
      method,
      headers: { ...authorization(who), 'tus-resumable': '1.0.0', ...headers },
      ...(body ? { body: body as RequestInit['body'], duplex: 'half' } : {}),
      ...(signal ? { signal } : {}),
    } as RequestInit)
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text }
  }
  const octets = { 'content-type': 'application/offset+octet-stream' }
  return {
    ask,
    create: (length: number | null, { metadata = { filename: 'a.bin' }, ...sent }: Sent & { metadata?: Record<string, string> } = {}) =>
      ask('POST', path, {
        ...sent,
        headers: {
          ...(length === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }),
          'upload-metadata': metadataOf(metadata),
          ...sent.headers,
        },
      }),
    /** The place of a new upload. */
    async begin(length: number | null, metadata?: Record<string, string>): Promise<string> {
      const { status, headers, body } = await this.create(length, metadata ? { metadata } : {})
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      return headers.get('location') ?? ''
    },
    patch: (place: string, offset: number, sent: Buffer | Readable | Sent) => {
      const { headers, ...rest }: Sent = Buffer.isBuffer(sent) || sent instanceof Readable ? { body: sent } : sent
      return ask('PATCH', place, { ...rest, headers: { ...octets, 'upload-offset': String(offset), ...headers } })
    },
    head: (place: string) => ask('HEAD', place),
    end: (place: string) => ask('DELETE', place),
    octets,
  }
}

export const offsetOf = ({ headers }: Answer) => Number(headers.get('upload-offset') ?? Number.NaN)

/** The verdict comes on its own: ask until it has, without a time. */
export async function settledFile(test: FilesTest, tenant: Tenant, answer: Answer) {
  const place = answer.headers.get('slipway-file')
  if (!place) throw new Error(`the answer names no file: ${answer.status} ${JSON.stringify(answer.body)}`)
  for (;;) {
    const { body } = await test.call({ tenant }, place)
    if (body.verdict !== 'pending') return body
  }
}

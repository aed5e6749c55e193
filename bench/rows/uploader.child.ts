import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent } from '../child.ts'

/** So many clients, of whom each uploads one file at the same time. */
export interface Uploads {
  readonly port: number
  readonly clients: number
  readonly bytesEach: number
}

const chunk = Buffer.alloc(65_536, 'some text ')
const mostAttempts = 30
const boundary = 'bench-boundary'
const before = Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n\r\n`)
const after = Buffer.from(`\r\n--${boundary}--\r\n`)

function* bodyOf(bytes: number): Generator<Buffer> {
  yield before
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, left)
  yield after
}

/** The status, also of an answer that came before all was sent. */
async function upload(port: number, bytes: number): Promise<number> {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': before.length + bytes + after.length }
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/api/v1/files', headers })
  const { promise: status, resolve, reject } = Promise.withResolvers<number>()
  sent.once('error', reject)
  sent.once('response', (response) => {
    response.resume()
    resolve(response.statusCode ?? 0)
  })
  pipeline(Readable.from(bodyOf(bytes)), sent).catch(reject)
  return status
}

/** A busy machine may say 503, and then wants to be asked again. */
async function uploadAgain(port: number, bytes: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const status = await upload(port, bytes)
    if (status === 204) return
    if (status !== 503 || attempt === mostAttempts) throw new Error(`the upload was answered with ${status}`)
    await delay(1000)
  }
}

answerParent(async ({ port, clients, bytesEach }: Uploads) => {
  await Promise.all(Array.from({ length: clients }, () => uploadAgain(port, bytesEach)))
})

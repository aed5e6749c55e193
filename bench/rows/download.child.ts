import { Readable, Transform } from 'node:stream'
import { createAuthenticator } from '@slipway/auth'
import { createHttpApp, listen, replyStream, routesFor } from '@slipway/http'
import { createScanner, type ScannerOptions } from '@slipway/scanner'
import { createScanGate, createStorage, type ObjectRef, type Storage, type StorageOptions } from '@slipway/storage'
import { createLog } from '@slipway/telemetry'
import { z } from 'zod'
import { answerParent } from '../child.ts'
import { contentOf } from './content.ts'
import { audience, busy, type Callers, issuer, Params } from './dishes.ts'
import type { Handicap } from './http.child.ts'

export interface DownloadSettings {
  readonly storage: StorageOptions
  readonly clamd: Pick<ScannerOptions, 'host' | 'port'>
  readonly callers: Callers
  readonly mebibytes: number
}

export interface DownloadServer {
  readonly port: number
  /** Of the object, in the store. */
  readonly object: ObjectRef
}

const handicap = { milliseconds: 0 }
const mebibyte = 1_048_576

interface Context {
  readonly storage: Storage
  readonly object: ObjectRef
}

const route = routesFor<Context>()

/** As the files service gives content, but for its row. */
const getContent = route(
  {
    method: 'GET',
    path: '/api/v1/files/{id}/content',
    operation: 'files.content',
    summary: 'Read the content of a file',
    auth: { role: 'viewer', scope: 'files:read' },
    params: Params,
    query: z.object({}),
    responses: { 200: { description: 'All of it', content: 'application/octet-stream' } },
  },
  async ({ request }, { storage, object }) => {
    const { stream, size } = await storage.read(object, { signal: request.signal })
    const given = handicap.milliseconds > 0 ? stream.pipe(hindering()) : stream
    return replyStream(200, given, { headers: { 'content-type': 'application/octet-stream', 'content-length': size } })
  },
)

function hindering(): Transform {
  return new Transform({
    transform(chunk, _encoding, done) {
      busy(handicap.milliseconds)
      done(null, chunk)
    },
  })
}

async function serve({ storage: options, clamd, callers, mebibytes }: DownloadSettings): Promise<DownloadServer> {
  const storage = createStorage(options)
  await storage.ensureBuckets(['files'])
  await using scanner = createScanner({ ...clamd, connections: 1, queueSeconds: 60, idleSeconds: 60, maxFileBytes: mebibytes * mebibyte })
  const gate = createScanGate({ storage, scanner })
  const place = { bucket: 'files', key: 'bench/object', tenantId: 't', maxBytes: mebibytes * mebibyte }
  const accepted = await gate.accept(Readable.from(contentOf(mebibytes, Buffer.alloc(16))), place)
  if (!accepted.promote) throw new Error(`expected a clean verdict, got ${JSON.stringify(accepted.verdict)}`)
  const { bucket, key } = await accepted.promote()
  const object = { bucket, key }
  const source = {
    keySet: async () => ({ keys: [callers.jwk] }),
    revocations: async () => ({ items: [], now: Date.now() }),
    verifyKey: async () => ({ valid: false as const, reason: 'unknown' as const }),
  }
  const auth = createAuthenticator({ source, issuer, audience })
  const app = createHttpApp({ routes: [getContent], context: { storage, object }, auth, log: createLog({ name: 'bench' }) })
  const { port } = await listen(app, { host: '127.0.0.1', port: 0 })
  return { port, object }
}

answerParent(async (question: DownloadSettings | Handicap) => {
  if ('storage' in question) return serve(question)
  Object.assign(handicap, question)
  return null
})

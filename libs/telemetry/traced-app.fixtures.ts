import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { Queue, QueueEvents, Worker } from 'bullmq'
import express from 'express'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { createLog, currentTraceId, httpMetrics, observe, queueTelemetry, scanMetrics, shutdownTelemetry } from './index.ts'
import { serverSpans } from './server-span.ts'
import { describeSpan, nameRoute } from './span.ts'

// A service in one file, as a process of its own: patches of modules are only seen where the preload came first.
export interface AppSettings {
  postgres: string
  redis: { host: string; port: number; password: string }
  storage: { endpoint: string; region: string; accessKey: string; secretKey: string }
}

const settings = JSON.parse(process.argv[2] ?? '') as AppSettings
const log = createLog({ name: 'traced-app' })
const pool = new Pool({ connectionString: settings.postgres, max: 2 })
const redis = new Redis(settings.redis)
const s3 = new S3Client({
  endpoint: settings.storage.endpoint,
  region: settings.storage.region,
  forcePathStyle: true,
  credentials: { accessKeyId: settings.storage.accessKey, secretAccessKey: settings.storage.secretKey },
})
const telemetry = queueTelemetry()
const bullmq = { connection: { ...settings.redis, maxRetriesPerRequest: null }, ...(telemetry ? { telemetry } : {}) }
const queue = new Queue('thumbnails', bullmq)
const events = new QueueEvents('thumbnails', { connection: bullmq.connection })
const worker = new Worker(
  'thumbnails',
  async () => ({ size: await redis.get('in-job'), secret: 'result-of-a-job', traceId: currentTraceId() }),
  bullmq,
)

const app = express()
const inSpan = serverSpans()
app.use((request, response, next) => (inSpan ? inSpan(request, response, () => next()) : next()))
const router = express.Router()
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 passes rejections on
router.get('/things/:id', async (request, response) => {
  nameRoute('GET', '/api/v1/things/{id}')
  describeSpan({ thing: request.params.id, nothing: null })
  await pool.query('select $1::text as thing', ['parameter-of-a-statement'])
  await redis.set('thing', 'argument-of-a-command')
  await s3.send(new ListBucketsCommand({}))
  const echo = await fetch(`http://127.0.0.1:${port()}/echo?token=query-value`)
  const job = await queue.add('thumbnail', { id: request.params.id })
  log.info({ password: 'field-of-a-log' }, 'handled')
  httpMetrics()?.record({ method: 'GET', route: '/api/v1/things/{id}', status: 200, seconds: 0.1 })
  scanMetrics()?.record({ verdict: 'clean', bytes: 10, seconds: 0.1 })
  const result: unknown = await job.waitUntilFinished(events)
  response.json({ traceId: currentTraceId(), echo: await echo.json(), result })
})
app.get('/echo', (request, response) => {
  nameRoute('GET', '/echo')
  response.json({ traceparent: request.headers.traceparent ?? null })
})
app.get('/health/live', (_request, response) => void response.json({ status: 'ok' }))
app.use('/api/v1', router)

await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()])
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: port(), on: telemetry !== null }))
const watched = observe(['db.client.connection.count'], (report) => report('db.client.connection.count', pool.idleCount))

function port(): number {
  return (server.address() as { port: number }).port
}

process.once('message', () => void stop())

async function stop(): Promise<void> {
  await worker.close()
  await Promise.all([queue.close(), events.close()])
  server.close()
  await shutdownTelemetry()
  watched[Symbol.dispose]()
  await pool.end()
  redis.disconnect()
  s3.destroy()
  process.disconnect()
}

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { abortOpenUploads, createAssembler, createStorage } from '@slipway/storage'
import { eicar } from '@slipway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFiles } from './app.fixtures.ts'
import { type FilesTest, keysIn, newTenant, owed, removeObjects, runJob, startFiles, type Tenant } from './files.fixtures.ts'
import { fileScan } from './jobs/file-scan.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { digest, offsetOf, settledFile, tus } from './resumable.fixtures.ts'
import { type ResumablePoint, resumablePoints } from './resumable-crash.fixtures.ts'

const mebibyte = 1_048_576
const day = 86_400_000
const part = 8 * mebibyte
const large = 9 * mebibyte - 1000

let test: FilesTest
let tenant: Tenant
beforeEach(async () => {
  tenant = newTenant()
  test = await startFiles()
})
afterEach(() => test[Symbol.asyncDispose]())

const at = (url?: string) => tus(test, { tenant, ...(url ? { url } : {}) })
const used = async () => (await test.call({ tenant }, '/api/v1/files/usage')).body.used
const sweep = (scope: 'stuck' | 'all') => runJob(test, quarantineSweep, { version: 1, scope })
const content = (place: string) => test.call({ tenant }, `${place}/content`)

interface Upload {
  lock_token: string | null
  received: number
  finished_at: Date | null
}

async function rowOf(place: string): Promise<Upload> {
  const { rows } = await test.system.pool.query<Upload>(
    'select lock_token, received::int, finished_at from resumable_uploads where id = $1',
    [place.split('/').at(-1)],
  )
  return rows[0]!
}

/** Waits for a state of the row, without a time. */
async function until(place: string, wanted: (row: Upload) => boolean): Promise<Upload> {
  for (;;) {
    const row = await rowOf(place)
    if (wanted(row)) return row
    await turn()
  }
}

/** Sends, and does not end. */
function hang(place: string, bytes: Buffer, url?: string) {
  const body = new PassThrough()
  const answer = at(url).patch(place, 0, body)
  answer.catch(() => undefined)
  body.write(bytes)
  return { body, answer }
}

/** No object without its row, no open upload, and a count that is right; whatever was left is removed by the sweeps. */
async function expectOrder(bytes: Buffer) {
  test.advance(60 * day)
  for (let run = 0; run < 2; run++) {
    await sweep('all')
    for (const { fileId } of await owed(test, fileScan.name))
      await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: String(fileId) })
    await removeObjects(test)
  }
  const { rows } = await test.system.pool.query('select id, sha256, verdict from files')
  expect(rows).toMatchObject([{ sha256: digest(bytes), verdict: 'clean' }])
  expect(await keysIn(test, 'files')).toEqual([`${tenant.id}/${rows[0].id}`])
  expect(await keysIn(test, 'quarantine')).toEqual([])
  expect(await abortOpenUploads(test.storage, { olderThan: new Date(8.64e15) })).toBe(0)
  expect(await used()).toEqual({ bytes: bytes.length, files: 1 })
}

describe('an API process that is killed in mid-PATCH', () => {
  it('another one tells how far it came, and goes on', async () => {
    const bytes = randomBytes(large)
    await using api = await spawnApi('never')
    const place = await at(api.url).begin(bytes.length)
    const { answer } = hang(place, bytes.subarray(0, part + 200_000), api.url)
    await until(place, ({ received }) => received > 0)
    api.kill()
    await api.exited
    await expect(answer).rejects.toThrow()
    const head = await at().head(place)
    expect([head.status, offsetOf(head)]).toEqual([200, part])
    const last = await at().patch(place, part, bytes.subarray(part))
    const file = await settledFile(test, tenant, last)
    expect(file).toMatchObject({ verdict: 'clean', size: bytes.length, sha256: digest(bytes) })
    expect((await content(`/api/v1/files/${file.id}`)).body.equals(bytes)).toBe(true)
    await expectOrder(bytes)
  })

  const ofLarge = resumablePoints.map((point) => [point, 'a large upload', large] as const)
  // One object is enough for a small one: it has no parts.
  const ofSmall = resumablePoints.flatMap((point) => (point === 'before-part' ? [] : [[point, 'a small upload', 100_000] as const]))
  it.each([...ofSmall, ...ofLarge])('%s of %s: the client goes on elsewhere, and nothing is left over', async (point, _size, length) => {
    const bytes = randomBytes(length)
    await using api = await spawnApi(point)
    const place = await at().begin(bytes.length)
    // In two requests, so that there is a rest.
    await at(api.url)
      .patch(place, 0, bytes.subarray(0, 60_000))
      .catch(() => undefined)
    const offset = await onOffset(place)
    await at(api.url)
      .patch(place, offset, bytes.subarray(offset))
      .catch(() => undefined)
    await api.exited
    const next = await onOffset(place)
    const last = await at().patch(place, next, bytes.subarray(next))
    expect(last.status).toBe(204)
    await finishedBy(last)
    await expectOrder(bytes)
  })

  it.each(['after-complete', 'before-commit'] as const)('%s: a client that does not come back is not needed', async (point) => {
    const bytes = randomBytes(large)
    await using api = await spawnApi(point)
    const place = await at(api.url).begin(bytes.length)
    await expect(at(api.url).patch(place, 0, bytes)).rejects.toThrow()
    await api.exited
    await test.system.pool.query(`update resumable_uploads set lock_until = now() - interval '1 s'`)
    expect(await sweep('stuck')).toMatchObject({ finished: 1, expired: 0 })
    expect((await rowOf(place)).finished_at).not.toBeNull()
    for (const { fileId } of await owed(test, fileScan.name))
      await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: String(fileId) })
    const file = await settledFile(test, tenant, await at().head(place))
    expect(file).toMatchObject({ verdict: 'clean', sha256: digest(bytes), createdBy: 'user:ada' })
    await expectOrder(bytes)
  })

  it('malware in pieces, half of them before it and half after, is never readable', async () => {
    const virus = eicar()
    await using api = await spawnApi('never')
    const place = await at(api.url).begin(virus.length)
    await at(api.url).patch(place, 0, virus.subarray(0, 40))
    api.kill()
    await api.exited
    const last = await at().patch(place, 40, virus.subarray(40))
    const file = await settledFile(test, tenant, last)
    expect(file.verdict).toBe('infected')
    expect(await content(`/api/v1/files/${file.id}`)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect(await keysIn(test, 'files')).toEqual([])
  })
})

describe('two requests to one upload', () => {
  it('fifty at the same offset, on two replicas: one is taken, the others are told', async () => {
    const bytes = randomBytes(200_000)
    await using other = await openFiles(test.settings)
    const place = await at().begin(bytes.length)
    const urls = [test.url, other.url]
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => at(urls[index % 2]).patch(place, 0, bytes)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => ![204, 409, 413, 423].includes(status))).toEqual([])
    const file = await settledFile(test, tenant, answers.find(({ status }) => status === 204)!)
    expect(file.sha256).toBe(digest(bytes))
    await expectOrder(bytes)
  })

  it.each(['the same replica', 'another replica'])(
    'one that hangs lets go for the next one on %s, and what it brought is kept',
    async (where) => {
      const bytes = randomBytes(100_000)
      await using other = await openFiles(test.settings)
      const url = where === 'another replica' ? other.url : test.url
      const place = await at().begin(bytes.length)
      const { answer, body } = hang(place, bytes.subarray(0, 30_000))
      await until(place, ({ lock_token: token }) => token !== null)
      const head = await at(url).head(place)
      const offset = offsetOf(head)
      expect([0, 30_000]).toContain(offset)
      expect([(await answer).status, offsetOf(await answer)]).toEqual([204, offset])
      body.destroy()
      const last = await at(url).patch(place, offset, bytes.subarray(offset))
      expect((await settledFile(test, tenant, last)).sha256).toBe(digest(bytes))
      await expectOrder(bytes)
    },
  )

  it('one that stood still for longer than its lock lives writes nothing any more', async () => {
    const bytes = randomBytes(50_000)
    const place = await at().begin(bytes.length)
    const { answer, body } = hang(place, randomBytes(1000))
    await until(place, ({ lock_token: token }) => token !== null)
    await test.system.pool.query(`update resumable_uploads set lock_token = gen_random_uuid(), lock_until = now() - interval '1 s'`)
    const last = await at().patch(place, 0, bytes)
    expect(last.status).toBe(204)
    body.end(randomBytes(49_000))
    expect(await answer).toMatchObject({ status: 423, body: { code: 'upload.locked' } })
    expect((await settledFile(test, tenant, last)).sha256).toBe(digest(bytes))
    await expectOrder(bytes)
  })
})

describe('a connection that breaks', () => {
  it('keeps what has come', async () => {
    const bytes = randomBytes(100_000)
    const place = await at().begin(bytes.length)
    const gone = new AbortController()
    const body = new PassThrough()
    const broken = at().patch(place, 0, { body: body, signal: gone.signal })
    broken.catch(() => undefined)
    body.write(bytes.subarray(0, 64_000))
    await until(place, ({ lock_token: token }) => token !== null)
    gone.abort()
    await expect(broken).rejects.toThrow()
    await until(place, ({ lock_token: token }) => token === null)
    const offset = offsetOf(await at().head(place))
    expect(offset).toBeLessThanOrEqual(64_000)
    const last = await at().patch(place, offset, bytes.subarray(offset))
    expect((await settledFile(test, tenant, last)).sha256).toBe(digest(bytes))
  })

  it('a replica that closes answers with what has come', async () => {
    const bytes = randomBytes(100_000)
    const place = await at().begin(bytes.length)
    const other = await openFiles(test.settings)
    const { answer, body } = hang(place, bytes.subarray(0, 40_000), other.url)
    await until(place, ({ lock_token: token }) => token !== null)
    const closed = other[Symbol.asyncDispose]()
    const { status, headers } = await answer
    body.destroy()
    await closed
    expect(status).toBe(204)
    const offset = offsetOf(await at().head(place))
    expect(Number(headers.get('upload-offset'))).toBe(offset)
    const last = await at().patch(place, offset, bytes.subarray(offset))
    expect((await settledFile(test, tenant, last)).sha256).toBe(digest(bytes))
  })
})

describe('stores that fail', () => {
  it('S3 gone: 503 with Retry-After, and the offset stays', async () => {
    const bytes = randomBytes(large)
    const nowhere = createStorage({ ...test.settings.storage, endpoint: 'http://127.0.0.1:9' })
    await using stranded = await openFiles(test.settings, (context) => ({ ...context, assembler: createAssembler(nowhere) }))
    const place = await at().begin(bytes.length)
    await at().patch(place, 0, bytes.subarray(0, 5000))
    for (const piece of [bytes.subarray(5000, 9000), bytes.subarray(5000)]) {
      const answer = await at(stranded.url).patch(place, 5000, piece)
      expect([answer.status, answer.body.code]).toEqual([503, 'storage.unavailable'])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect(offsetOf(await at().head(place))).toBe(5000)
    const last = await at().patch(place, 5000, bytes.subarray(5000))
    expect((await settledFile(test, tenant, last)).sha256).toBe(digest(bytes))
    await nowhere[Symbol.asyncDispose]()
    await expectOrder(bytes)
  })

  it('S3 has dropped what was sent: the upload is gone, and its quota is free', async () => {
    const bytes = randomBytes(large)
    const place = await at().begin(bytes.length)
    await at().patch(place, 0, bytes.subarray(0, part))
    expect(await abortOpenUploads(test.storage, { olderThan: new Date(8.64e15) })).toBe(1)
    const answer = await at().patch(place, part, bytes.subarray(part))
    expect(answer).toMatchObject({ status: 410, body: { code: 'resource.gone' } })
    expect((await at().head(place)).status).toBe(410)
    expect(await sweep('stuck')).toMatchObject({ expired: 1 })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })

  it('connections of Postgres that break in mid-PATCH cost at most a repeat', async () => {
    const bytes = randomBytes(large)
    const place = await at().begin(bytes.length)
    const { answer, body } = hang(place, bytes.subarray(0, part - 1))
    await until(place, ({ lock_token: token }) => token !== null)
    await test.system.pool
      .query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()')
      .catch(() => undefined)
    body.end(bytes.subarray(part - 1))
    expect([204, 503]).toContain((await answer).status)
    const offset = await onOffset(place)
    const last = await at().patch(place, offset, bytes.subarray(offset))
    expect((await settledFile(test, tenant, last)).sha256).toBe(digest(bytes))
    await expectOrder(bytes)
  })
})

/** What a client does after each failure. Who died left its lock, which ends by itself; here it ends now. */
async function onOffset(place: string): Promise<number> {
  await test.system.pool.query(`update resumable_uploads set lock_until = now() - interval '1 s' where lock_token is not null`)
  const head = await at().head(place)
  expect(head.status).toBe(200)
  return offsetOf(head)
}

/** By the settler of whoever wrote the last byte; by the worker where that is dead. */
async function finishedBy(last: Awaited<ReturnType<ReturnType<typeof at>['patch']>>) {
  test.advance(2 * 60_000)
  for (const { fileId } of await owed(test, fileScan.name))
    await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: String(fileId) })
  expect((await settledFile(test, tenant, last)).verdict).toBe('clean')
}

interface Api extends AsyncDisposable {
  readonly url: string
  kill(): void
  readonly exited: Promise<unknown>
}

async function spawnApi(point: ResumablePoint): Promise<Api> {
  const script = fileURLToPath(new URL('./resumable-crash.fixtures.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(test.settings), point], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [url] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    exited.then(() => Promise.reject(new Error('the API ended'))),
  ])
  return {
    url: String(url),
    exited,
    kill: () => void child.kill('SIGKILL'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

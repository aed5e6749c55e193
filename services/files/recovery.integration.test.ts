import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { drain, eicar, zipOf } from '@slipway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clamd, slowClamd } from './clamd.fixtures.ts'
import { type CrashPoint, crashPoints } from './crash.fixtures.ts'
import { platformAuthor } from './domain/author.ts'
import { requireFile } from './domain/files.ts'
import { settle } from './domain/settle.ts'
import {
  authorization,
  type FilesTest,
  form,
  keysIn,
  newTenant,
  owed,
  removeObjects,
  runJob,
  startFiles,
  type Tenant,
  uploader,
} from './files.fixtures.ts'
import { fileScan } from './jobs/file-scan.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'

const day = 86_400_000
const minute = 60_000
const syncBytes = 1000
const large = () => randomBytes(50_000)

let clamd: Clamd
let test: FilesTest
let tenant: Tenant
beforeEach(async () => {
  tenant = newTenant()
  clamd = await slowClamd()
  test = await startFiles({ scanner: clamd, environment: { FILES_SYNC_BYTES: String(syncBytes), FILES_QUOTA_BYTES: '1000000' } })
})
afterEach(async () => {
  clamd.release()
  await test[Symbol.asyncDispose]()
  await clamd[Symbol.asyncDispose]()
})

const upload = (name: string, content: Buffer | string, headers: Record<string, string> = {}) =>
  uploader(test, { tenant })(name, content, { headers })
const get = (id: string) => test.call({ tenant }, `/api/v1/files/${id}`)
const content = (id: string) => test.call({ tenant }, `/api/v1/files/${id}/content`)
const used = async () => (await test.call({ tenant }, '/api/v1/files/usage')).body.used
const scan = (fileId: string) => runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId })
const sweep = (scope: 'stuck' | 'all') => runJob(test, quarantineSweep, { version: 1, scope })

/** The settler works on its own: ask until the verdict has moved, without a time. */
async function settled(id: string) {
  for (;;) {
    const { body } = await get(id)
    if (body.verdict !== 'pending') return body
  }
}

/** No row without its object, no readable object without its row, and a count that is right. */
async function expectOrder() {
  const { rows } = await test.system.pool.query<{ id: string; size: number }>(
    `select id, size::int from files where verdict = 'clean' order by id`,
  )
  expect(await keysIn(test, 'files')).toEqual(rows.map((row) => `${tenant.id}/${row.id}`).sort())
  expect(await used()).toEqual({ bytes: rows.reduce((sum, row) => sum + row.size, 0), files: rows.length })
}

describe('a large upload', () => {
  it('is answered with 202, shows that it is scanned, and becomes readable by itself', async () => {
    clamd.hold()
    const bytes = large()
    const { status, body, headers } = await upload('large.bin', bytes)
    expect([status, body.verdict, body.scan]).toEqual([202, 'pending', null])
    expect(headers.get('location')).toBe(`/api/v1/files/${body.id}`)
    expect((await get(body.id)).body.progress).toMatchObject({ phase: 'scanning', attempts: 1 })
    expect(await content(body.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect(await used()).toEqual({ bytes: bytes.length, files: 1 })
    clamd.release()
    expect(await settled(body.id)).toMatchObject({ verdict: 'clean', scan: { engine: expect.stringMatching(/^ClamAV/) } })
    expect((await content(body.id)).body.equals(bytes)).toBe(true)
    expect(await keysIn(test, 'quarantine')).toEqual([])
    expect(await scan(body.id)).toEqual({ outcome: 'settled' })
    await expectOrder()
  })

  it('that is malware never becomes readable; name and quota are free again, and its id tells why', async () => {
    clamd.hold()
    const virus = zipOf([
      { name: 'e.com', content: eicar() },
      { name: 'padding', content: large() },
    ])
    const { status, body } = await upload('e.zip', virus)
    expect(status).toBe(202)
    clamd.release()
    expect(await settled(body.id)).toMatchObject({ verdict: 'infected' })
    expect(await content(body.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    expect((await test.call({ tenant }, '/api/v1/files')).body.items).toEqual([])
    const admin = { tenant, role: 'admin' as const }
    const refusal = await test.call(admin, `/api/v1/quarantine/${body.id}`)
    expect(refusal.body).toMatchObject({
      name: 'e.zip',
      verdict: 'infected',
      uploadedBy: 'user:ada',
      uploadedFrom: { traceId: body.traceId },
    })
    expect(refusal.body.raw).toMatch(/FOUND$/)
    expect(await test.call({ tenant }, `/api/v1/files/${body.id}`, { method: 'DELETE' })).toMatchObject({ status: 409 })
    await expectOrder()
    expect((await test.call(admin, `/api/v1/quarantine/${body.id}`, { method: 'DELETE' })).status).toBe(204)
    await removeObjects(test)
    expect((await get(body.id)).status).toBe(404)
    expect(await keysIn(test, 'quarantine')).toEqual([])
    await expectOrder()
  })

  it('with an Idempotency-Key is answered again with the 202, and is one file', async () => {
    const bytes = large()
    const headers = { 'idempotency-key': 'large-1' }
    const first = await upload('a', bytes, headers)
    await settled(first.body.id)
    expect(await upload('a', bytes, headers)).toMatchObject({ status: 202, body: { id: first.body.id } })
    expect(await used()).toMatchObject({ files: 1 })
  })

  it('that does not fit into the quota any more leaves nothing behind', async () => {
    clamd.hold()
    const answers = await Promise.all([upload('a', randomBytes(600_000)), upload('b', randomBytes(600_000))])
    expect(answers.map((answer) => String(answer.body.code ?? answer.status)).toSorted()).toEqual(['202', 'quota.exceeded'])
    clamd.release()
    await settled(answers.find((answer) => answer.status === 202)?.body.id)
    test.advance(2 * day)
    await sweep('all')
    expect(await keysIn(test, 'quarantine')).toEqual([])
    await expectOrder()
  })
})

describe('while the verdict is pending', () => {
  let id: string
  beforeEach(async () => {
    clamd.hold()
    id = (await upload('a.bin', large())).body.id
    await clamd.holding(1)
  })

  it('a worker leaves the file to whoever holds the lease, and comes back when it has run out', async () => {
    expect(await scan(id)).toEqual({ outcome: 'held' })
    expect(await owed(test, fileScan.name)).toEqual([{ version: 1, tenantId: tenant.id, fileId: id }])
    expect((await get(id)).body).toMatchObject({ verdict: 'pending', progress: { attempts: 1 } })
  })

  it('a worker that took over and the settler that comes back late make one file', async () => {
    test.advance(2 * minute)
    expect((await get(id)).body.progress.phase).toBe('waiting')
    const taken = scan(id)
    await clamd.holding(2)
    clamd.release()
    expect(await taken).toEqual({ outcome: 'clean' })
    expect(await settled(id)).toMatchObject({ verdict: 'clean' })
    expect(await scan(id)).toEqual({ outcome: 'settled' })
    await expectOrder()
    const { rows } = await test.system.pool.query('select version from files where id = $1', [id])
    expect(rows).toEqual([{ version: 2 }])
  })

  it('two workers that take over at a time make one file', async () => {
    test.advance(2 * minute)
    const both = Promise.all([scan(id), scan(id)])
    await clamd.holding(2)
    clamd.release()
    // The other one meets the lock of the first, or the verdict when that is there already.
    const results = (await both).map((result) => JSON.stringify(result)).toSorted()
    expect(results).toEqual(['{"outcome":"clean"}', expect.stringMatching(/^{"outcome":"(held|settled)"}$/)])
    await expectOrder()
  })

  it('a purge wins: no row, no object, no quota, whenever the verdict comes', async () => {
    expect((await test.call({ tenant }, `/api/v1/files/${id}?permanent=true`, { method: 'DELETE' })).status).toBe(204)
    await removeObjects(test)
    clamd.release()
    await test.context.settler[Symbol.asyncDispose]()
    expect(await scan(id)).toEqual({ outcome: 'gone' })
    await removeObjects(test)
    expect((await get(id)).status).toBe(404)
    expect(await keysIn(test, 'files')).toEqual([])
    expect(await used()).toEqual({ bytes: 0, files: 0 })
  })

  it('the trash takes it, and gives it back readable', async () => {
    expect((await test.call({ tenant }, `/api/v1/files/${id}`, { method: 'DELETE' })).status).toBe(204)
    clamd.release()
    await settled(id)
    expect((await content(id)).status).toBe(404)
    await test.call({ tenant }, `/api/v1/files/${id}/restore`, { method: 'POST' })
    expect((await content(id)).status).toBe(200)
  })

  it('a shutdown hands it over at once, and a worker settles it from the queue', async () => {
    await test.context.settler[Symbol.asyncDispose]()
    expect((await get(id)).body).toMatchObject({ verdict: 'pending', progress: { phase: 'waiting' } })
    clamd.release()
    await using workers = await test.work()
    expect(await settled(id)).toMatchObject({ verdict: 'clean' })
    await drain(await test.queues.queue(fileScan))
    expect(workers.progress().active).toBe(0)
    await expectOrder()
  })

  it('the sweep asks again for a scan whose request was lost', async () => {
    await test.context.settler[Symbol.asyncDispose]()
    await test.system.pool.query('delete from jobs')
    clamd.release()
    expect(await sweep('stuck')).toMatchObject({ revived: 1 })
    expect(await sweep('stuck')).toMatchObject({ revived: 1 })
    expect(await owed(test, fileScan.name)).toHaveLength(1)
    expect(await scan(id)).toEqual({ outcome: 'clean' })
    expect(await sweep('stuck')).toMatchObject({ revived: 0 })
    await expectOrder()
  })

  it('a refusal by somebody else wins over a clean verdict that comes late', async () => {
    await test.context.settler[Symbol.asyncDispose]()
    clamd.release()
    const row = await test.context.database.tenantTransaction(tenant.id, (tx) => requireFile(tx, id))
    const accepted = await test.context.gate.resume(row.quarantine!)
    await test.system.pool.query(`update files set verdict = 'infected', scan_at = now() where id = $1`, [id])
    expect(await settle(test.context, { author: platformAuthor(tenant.id, 'late'), row, leaseToken: randomUUID() }, accepted)).toBeNull()
    expect(await content(id)).toMatchObject({ status: 409 })
    expect(await keysIn(test, 'files')).toEqual([])
  })

  it('a scan that fails leaves the file free for the next attempt', async () => {
    await test.context.settler[Symbol.asyncDispose]()
    const failing = scan(id)
    await clamd.holding(2)
    await clamd.cut()
    await expect(failing).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect((await get(id)).body.progress).toMatchObject({ phase: 'waiting', attempts: 2 })
    clamd.release()
    expect(await scan(id)).toEqual({ outcome: 'clean' })
    await expectOrder()
  })

  it('content that somebody took out of the quarantine is refused, not waited for', async () => {
    await test.context.settler[Symbol.asyncDispose]()
    for (const key of await keysIn(test, 'quarantine')) await test.storage.remove({ bucket: 'quarantine', key })
    clamd.release()
    expect(await scan(id)).toEqual({ outcome: 'unscannable' })
    await expectOrder()
  })

  it('its quarantine object is not swept, however old it is', async () => {
    test.advance(10 * day)
    await sweep('all')
    expect(await keysIn(test, 'quarantine')).toHaveLength(1)
  })
})

describe('a scanner that fails in the background', () => {
  it('hands the file over to the queue', async () => {
    clamd.hold()
    const { body } = await upload('a.bin', large())
    await clamd.holding(1)
    await clamd.cut()
    clamd.release()
    while ((await get(body.id)).body.progress.phase !== 'waiting');
    expect(await owed(test, fileScan.name)).toHaveLength(1)
    expect(await scan(body.id)).toEqual({ outcome: 'clean' })
    await expectOrder()
  })
})

describe('an API process that is killed', () => {
  it.each(crashPoints)('%s: a repeat makes one file, and the sweep leaves no object without a row', async (point) => {
    const headers = { 'idempotency-key': 'crash-1' }
    await using api = await spawnApi(point)
    await expect(api.upload('a.txt', 'small', headers)).rejects.toThrow()
    await api.exited
    await expireKeys()
    const again = await upload('a.txt', 'small', headers)
    expect(again).toMatchObject({ status: 201, body: { name: 'a.txt', verdict: 'clean' } })
    expect((await content(again.body.id)).body.toString()).toBe('small')
    test.advance(2 * day)
    for (let run = 0; run < 2; run++) {
      await sweep('all')
      await removeObjects(test)
      await expectOrder()
    }
    expect(await keysIn(test, 'quarantine')).toEqual([])
    expect(await used()).toEqual({ bytes: 5, files: 1 })
  })

  it('during the scan of a large file: the worker finishes what was promised with 202', async () => {
    clamd.hold()
    await using api = await spawnApi('never')
    const { status, body } = await api.upload('a.bin', large(), {})
    expect(status).toBe(202)
    api.kill()
    await api.exited
    clamd.release()
    expect(await scan(body.id)).toEqual({ outcome: 'held' })
    test.advance(2 * minute)
    expect(await scan(body.id)).toEqual({ outcome: 'clean' })
    expect(await scan(body.id)).toEqual({ outcome: 'settled' })
    expect((await content(body.id)).status).toBe(200)
    await expectOrder()
  })
})

describe('refusals', () => {
  it('are purged with their evidence after FILES_QUARANTINE_DAYS', async () => {
    await upload('e', eicar())
    expect(await keysIn(test, 'quarantine')).toHaveLength(1)
    test.advance(89 * day)
    await sweep('all')
    expect(await keysIn(test, 'quarantine')).toHaveLength(1)
    test.advance(2 * day)
    for (let run = 0; run < 2; run++) {
      await sweep('all')
      await removeObjects(test)
    }
    expect(await keysIn(test, 'quarantine')).toEqual([])
    expect((await test.call({ tenant, role: 'admin' }, '/api/v1/quarantine')).body.items).toEqual([])
  })
})

/** Keys whose process died are free after their lease, which is counted by the database. */
async function expireKeys() {
  await test.system.pool.query(`update idempotency_keys set lease_until = now() - interval '1 s'`)
}

interface Api extends AsyncDisposable {
  upload(name: string, content: Buffer | string, headers: Record<string, string>): Promise<{ status: number; body: { id: string } }>
  kill(): void
  exited: Promise<unknown>
}

async function spawnApi(point: CrashPoint): Promise<Api> {
  const script = fileURLToPath(new URL('./crash.fixtures.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(test.settings), point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [url] = await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    exited.then(() => Promise.reject(new Error('the API ended'))),
  ])
  return {
    exited,
    kill: () => child.kill('SIGKILL'),
    upload: async (name, bytes, headers) => {
      const sent = { ...authorization({ tenant }), ...headers }
      const response = await fetch(`${url}/api/v1/files`, { method: 'POST', headers: sent, body: form(name, bytes) })
      return { status: response.status, body: (await response.json()) as { id: string } }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

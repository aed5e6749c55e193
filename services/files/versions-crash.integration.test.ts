import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashPoint, crashPoints } from './crash.fixtures.ts'
import { authorization, type FilesTest, keysIn, newTenant, owed, runJob, startFiles, type Tenant } from './files.fixtures.ts'
import { filePurge } from './jobs/file-purge.ts'
import { fileScan } from './jobs/file-scan.ts'
import { objectRemoval } from './jobs/object-removal.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { discrepancies, expectOrder, versionsOf } from './versions.fixtures.ts'
import { arrivalCrashes, pruneCrashes } from './versions-crash.fixtures.ts'

const day = 86_400_000
const minute = 60_000
/** Processes that start beside others on a busy machine. */
const patience = 180_000

let test: FilesTest
let tenant: Tenant
let ada: ReturnType<typeof versionsOf>
beforeEach(async () => {
  tenant = newTenant()
  test = await startFiles({ environment: { FILES_VERSIONS_KEPT: '1', FILES_VERSION_DAYS: '10', FILES_SYNC_BYTES: '1000' } })
  ada = versionsOf(test, tenant)
})
afterEach(() => test?.[Symbol.asyncDispose]())

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const revisions = async (id: string) => (await ada.list(id)).map(({ revision }) => revision)
const sweep = async () => {
  test.advance(2 * day)
  await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
}

interface Overwriting {
  id: string
  content: Buffer | string
  headers: Record<string, string>
}

/** Overwrites by way of an API process that kills itself at the point. */
async function overwriteAndDie(point: CrashPoint, { id, content, headers }: Overwriting): Promise<void> {
  const api = spawn(process.execPath, [program('crash.fixtures.ts'), JSON.stringify(test.settings), point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(api, 'exit')
  const { value: url } = await createInterface(api.stdout)[Symbol.asyncIterator]().next()
  const sent = fetch(`${url}/api/v1/files/${id}/content`, {
    method: 'PUT',
    body: new Uint8Array(Buffer.from(content)),
    headers: { ...authorization({ tenant }), ...headers },
  })
  if (point === 'never') {
    expect((await sent).status).toBe(202)
    api.kill('SIGKILL')
  } else {
    await expect(sent).rejects.toThrow()
  }
  await exited
}

async function workerThatDies(point: string, fileId: string, milliseconds: number): Promise<void> {
  const parameters = [program('versions-crash.fixtures.ts'), JSON.stringify(test.settings), point, tenant.id, fileId, String(milliseconds)]
  const worker = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(worker, 'exit')
  expect(signal).toBe('SIGKILL')
}

describe('an API process that is killed while it overwrites, and prunes with it', () => {
  it.each(crashPoints)(
    '%s: the file is what it was or what it was to be, a repeat makes one version, and nothing is left over',
    async (point) => {
      const { id } = await ada.upload('a.txt', 'one')
      const { etag } = (await ada.overwrite(id, 'two')).body
      const headers = { 'if-match': etag, 'idempotency-key': `crash-${point}` }
      await overwriteAndDie(point, { id, content: 'three', headers })
      const committed = point === 'after-commit'
      expect([await ada.text(id), await revisions(id)]).toEqual(committed ? ['three', [3, 2]] : ['two', [2, 1]])
      // What is owed is one object at most, whose row is gone; nothing is lost.
      expect((await discrepancies(test)).filter((found) => !found.startsWith('unknown'))).toEqual([])
      await test.system.pool.query(`update idempotency_keys set lease_until = now() - interval '1 s'`)
      const again = await ada.put(id, 'three', headers)
      expect([again.status, again.body.revision]).toEqual([200, 3])
      expect([await ada.text(id), await revisions(id)]).toEqual(['three', [3, 2]])
      await sweep()
      await expectOrder(test, tenant)
      expect(await keysIn(test, 'files')).toHaveLength(2)
      expect(await keysIn(test, 'quarantine')).toEqual([])
      expect(await ada.used()).toEqual({ bytes: 8, files: 1 })
    },
    patience,
  )
})

describe('a worker process that is killed', () => {
  it.each(arrivalCrashes)(
    'when a version arrives, at "%s": it arrives once',
    async (point) => {
      const { id } = await ada.upload('a.bin', 'one')
      const { etag } = (await ada.overwrite(id, 'two')).body
      const bytes = randomBytes(5000)
      // Its own process is dead too: the lease has to run out.
      await overwriteAndDie('never', { id, content: bytes, headers: { 'if-match': etag } })
      const [job] = await owed(test, fileScan.name)
      const fileId = String(job?.['fileId'])
      await workerThatDies(point, fileId, 2 * minute)
      const arrived = point === 'arrived'
      expect((await ada.get(id)).revision).toBe(arrived ? 3 : 2)
      expect(await ada.used()).toEqual({ bytes: arrived ? 5003 : 5006, files: 1 })
      test.advance(5 * minute)
      const outcome = await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId })
      expect(outcome).toEqual({ outcome: arrived ? 'settled' : 'clean' })
      expect((await ada.call(`/api/v1/files/${id}/content`)).body.equals(bytes)).toBe(true)
      expect(await revisions(id)).toEqual([3, 2])
      await sweep()
      await expectOrder(test, tenant)
      expect([(await keysIn(test, 'files')).length, await keysIn(test, 'quarantine')]).toEqual([2, []])
    },
    patience,
  )

  it.each(pruneCrashes)(
    'when versions have outlived their days, at "%s": they go once, with their bytes',
    async (point) => {
      const { id } = await ada.upload('a.txt', 'one')
      await ada.overwrite(id, 'two')
      await workerThatDies(point, id, 11 * day)
      expect(await revisions(id)).toEqual(point === 'pruned' ? [2] : [2, 1])
      expect((await owed(test, objectRemoval.name)).length).toBe(point === 'pruned' ? 1 : 0)
      expect(await keysIn(test, 'files')).toHaveLength(2)
      test.advance(11 * day)
      await runJob(test, filePurge, { version: 1 })
      expect([await revisions(id), await ada.text(id), await ada.used()]).toEqual([[2], 'two', { bytes: 3, files: 1 }])
      await expectOrder(test, tenant)
      expect(await keysIn(test, 'files')).toHaveLength(1)
    },
    patience,
  )
})

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get as httpGet } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eicar } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { authorization, type FilesTest, keysIn, newTenant, owed, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { fileIsolation } from './jobs/file-isolation.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileScan } from './jobs/file-scan.ts'
import { infectionNotice } from './jobs/infection-notice.ts'
import { type RescanCrash, releaseCrashes, rescanCrashes } from './rescan-crash.fixtures.ts'
import { type MovingClamd, movingClamd } from './signatures.fixtures.ts'

const mebibyte = 1_048_576

let clamd: MovingClamd
let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  clamd = await movingClamd()
  test = await startFiles({ scanner: { host: clamd.host, port: clamd.port } })
})
afterAll(async () => {
  await test?.[Symbol.asyncDispose]()
  await clamd?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  tenant = newTenant()
})

async function move(signatures: Record<string, string>): Promise<void> {
  await clamd.move(signatures)
  test.advance(6000)
}

const upload = async (name: string, content: Buffer | string) => (await uploader(test, { tenant })(name, content)).body
const as = (user: string, path: string, json?: object) =>
  test.call({ tenant, role: 'admin', user }, path, json ? { method: 'POST', json } : {})
const content = (id: string) => as('ada', `/api/v1/files/${id}/content`)
const rescan = (fileId: string) => runJob(test, fileRescan, { version: 1, tenantId: tenant.id, fileId, requested: true })
const own = async (bucket: 'files' | 'quarantine') => (await keysIn(test, bucket)).filter((key) => key.includes(tenant.id))
const used = async () => (await as('ada', '/api/v1/files/usage')).body.used

/** A worker process that kills itself at the point. */
async function workerThatDies(point: RescanCrash, fileId: string): Promise<void> {
  const program = fileURLToPath(new URL('rescan-crash.fixtures.ts', import.meta.url))
  const parameters = [program, JSON.stringify(test.settings), point, tenant.id, fileId]
  const worker = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(worker, 'exit')
  expect(signal).toBe('SIGKILL')
}

describe('a worker that dies', () => {
  it.each(rescanCrashes)('at "%s" loses no evidence and gives no byte to anybody', async (point) => {
    const word = `malware-${point}`
    const { id } = await upload('a.bin', word)
    await move({ Slipway: word })
    await workerThatDies(point, id)

    const isWithdrawn = !['scanned', 'before-withdrawal'].includes(point)
    expect((await content(id)).status).toBe(isWithdrawn ? 409 : 200)
    expect(await used()).toEqual(isWithdrawn ? { bytes: 0, files: 0 } : { bytes: word.length, files: 1 })
    if (!isWithdrawn) expect(await rescan(id)).toEqual({ outcome: 'infected' })
    // The requests are there, whatever became of the process that made them.
    expect(await owed(test, infectionNotice.name)).toContainEqual({ version: 1, tenantId: tenant.id })
    const job = { version: 1, tenantId: tenant.id, fileId: id } as const
    expect(await owed(test, fileIsolation.name)).toContainEqual(job)
    expect(await runJob(test, fileIsolation, job)).toEqual({ outcome: 'isolated' })
    expect(await runJob(test, fileIsolation, job)).toEqual({ outcome: 'isolated' })

    expect(await content(id)).toMatchObject({ status: 409 })
    expect([await own('files'), (await own('quarantine')).length, await used()]).toEqual([[], 1, { bytes: 0, files: 0 }])
    expect((await as('ada', '/api/v1/quarantine')).body.items).toHaveLength(1)
    expect((await as('ada', '/api/v1/files/audit?action=file.withdrawn')).body.items).toHaveLength(1)
  })

  it.each(releaseCrashes)('at "%s" of a release leaves it to the next, which makes one file', async (point) => {
    const { quarantineId: id } = await upload('a.com', eicar())
    for (const user of ['ada', 'bob']) await as(user, `/api/v1/quarantine/${id}/release`, { reason: 'harmless' })
    await workerThatDies(point, id)
    expect(await content(id)).toMatchObject({ status: 409 })
    // Its lease has run out.
    test.advance(120_000)
    expect(await runJob(test, fileScan, { version: 1, tenantId: tenant.id, fileId: id })).toEqual({ outcome: 'clean' })
    expect((await content(id)).body.equals(eicar())).toBe(true)
    expect([await own('files'), await own('quarantine'), await used()]).toEqual([[`${tenant.id}/${id}`], [], { bytes: 68, files: 1 }])
    expect((await as('ada', '/api/v1/files/audit?action=file.released')).body.items).toHaveLength(1)
  })
})

/** Another API process, on the same stores. */
async function otherApi() {
  const program = fileURLToPath(new URL('crash.fixtures.ts', import.meta.url))
  const api = spawn(process.execPath, [program, JSON.stringify(test.settings), 'never'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { value } = await createInterface(api.stdout)[Symbol.asyncIterator]().next()
  return {
    url: String(value),
    [Symbol.asyncDispose]: async () => {
      const exited = once(api, 'exit')
      api.kill('SIGKILL')
      await exited
    },
  }
}

/** A client that takes one chunk, waits until it may go on, and then takes its time with each: what the kernels keep is a few MiB at most. */
async function slowDownload(url: string, id: string, { after, pause }: { after: Promise<unknown>; pause: number }) {
  const [response] = await once(httpGet(`${url}/api/v1/files/${id}/content`, { headers: authorization({ tenant }) }), 'response')
  const read = async () => {
    let bytes = 0
    try {
      for await (const chunk of response) {
        bytes += chunk.length
        await after
        await delay(pause)
      }
      return { bytes, complete: response.complete as boolean }
    } catch {
      return { bytes, complete: false }
    }
  }
  return { announced: Number(response.headers['content-length']), end: read() }
}

describe('downloads that are under way', () => {
  it('are cut in every process when the file turns out infected, and others go on', async () => {
    const bytes = Buffer.concat([randomBytes(8 * mebibyte), Buffer.from('malware-in-flight')])
    const [infected, clean] = [await upload('infected', bytes), await upload('clean', randomBytes(mebibyte))]
    await using other = await otherApi()
    const found = Promise.withResolvers<void>()
    const slowly = (url: string, { id }: { id: string }) => slowDownload(url, id, { after: found.promise, pause: 200 })
    const cut = await Promise.all([slowly(test.url, infected), slowly(other.url, infected)])
    const whole = await Promise.all([slowly(test.url, clean), slowly(other.url, clean)])
    await move({ Slipway: 'malware-in-flight' })
    expect(await rescan(infected.id)).toEqual({ outcome: 'infected' })
    found.resolve()
    for (const { announced, end } of cut) {
      const { bytes: received, complete } = await end
      expect([announced, complete]).toEqual([bytes.length, false])
      expect(received).toBeLessThan(bytes.length)
    }
    for (const { end } of whole) expect(await end).toEqual({ bytes: mebibyte, complete: true })
    expect((await fetch(`${other.url}/api/v1/files/${infected.id}/content`, { headers: authorization({ tenant }) })).status).toBe(409)
  })

  it('go on when the database cannot say whether they may', async () => {
    const file = await upload('a', randomBytes(8 * mebibyte))
    const working = { ...test.context.system }
    const asked = Promise.withResolvers<void>()
    Object.assign(test.context.system, {
      transaction: () => {
        asked.resolve()
        return Promise.reject(new Error('no database'))
      },
    })
    try {
      const { end } = await slowDownload(test.url, file.id, { after: asked.promise, pause: 0 })
      expect(await end).toEqual({ bytes: 8 * mebibyte, complete: true })
    } finally {
      Object.assign(test.context.system, working)
    }
  })
})

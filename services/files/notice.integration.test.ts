import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { createNotices, type NoticeRequest, noticeRequest } from '@slipway/auth'
import { newId } from '@slipway/db'
import { problem } from '@slipway/problem'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FilesTest, newTenant, owed, runJob, startFiles, type Tenant } from './files.fixtures.ts'
import { fileRescanSweep } from './jobs/file-rescan-sweep.ts'
import { infectionNotice } from './jobs/infection-notice.ts'

const hour = 3_600_000

let test: FilesTest
let tenant: Tenant
let sent: NoticeRequest[]
/** Throws what the next calls throw, or nothing. */
let fail: ((notice: NoticeRequest) => void) | null
beforeAll(async () => {
  const send = async (notice: NoticeRequest) => {
    fail?.(notice)
    sent.push(noticeRequest.parse(notice))
  }
  test = await startFiles({ wrap: (context) => ({ ...context, rescans: { ...context.rescans, notices: { send } } }) })
})
afterAll(async () => {
  await test?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  tenant = newTenant()
  sent = []
  fail = null
  await test.system.pool.query('delete from quarantine')
})

/** What rescans have left behind. */
async function found(files: { name: string; by: string; verdict?: string }[]): Promise<void> {
  for (const { name, by, verdict = 'infected' } of files) {
    await test.system.pool.query(
      `insert into quarantine (id, tenant_id, name, size, content_type, sha256, verdict, raw, engine, database, milliseconds, uploaded_by,
         uploaded_from, object_key, created_at, found_by)
       values ($1, $2, $3, 1, 'text/plain', repeat('0', 64), $6, '', '', '', 1, $4, '{}', '', $5, 'rescan')`,
      [newId(), tenant.id, name, by, new Date(test.context.now()), verdict],
    )
  }
}
const tell = () => runJob(test, infectionNotice, { version: 1, tenantId: tenant.id })
const many = (count: number, by: (n: number) => string) => Array.from({ length: count }, (_, n) => ({ name: `${n}.bin`, by: by(n) }))

describe('a notice', () => {
  it('tells admins of all, and owners of theirs', async () => {
    await found([
      { name: 'a.zip', by: 'user:ada' },
      { name: 'b.zip', by: 'key:ci' },
      { name: 'c.zip', by: 'user:ada' },
    ])
    expect(await tell()).toEqual({ files: 3 })
    expect(sent).toEqual([
      {
        key: expect.stringMatching(/^files-infected\/[0-9a-f-]{36}\/0$/),
        tenantId: tenant.id,
        kind: 'files-infected',
        roles: ['owner', 'admin'],
        facts: { count: '3', infected: '3', names: 'a.zip, b.zip, c.zip' },
        people: [
          { principal: 'user:ada', facts: { count: '2', infected: '2', names: 'a.zip, c.zip' } },
          { principal: 'key:ci', facts: { count: '1', infected: '1', names: 'b.zip' } },
        ],
      },
    ])
    expect(await tell()).toEqual({ files: 0 })
    expect(sent).toHaveLength(1)
  })

  it('tells how many of them are malware: the others hold bytes that nobody has uploaded', async () => {
    await found([
      { name: 'a.zip', by: 'user:ada' },
      { name: 'b.zip', by: 'user:ada', verdict: 'unscannable' },
      { name: 'c.zip', by: 'user:bob', verdict: 'unscannable' },
    ])
    await tell()
    expect(sent[0]?.facts).toMatchObject({ count: '3', infected: '1' })
    expect(sent[0]?.people.map(({ principal, facts }) => [principal, facts['count'], facts['infected']])).toEqual([
      ['user:ada', '2', '1'],
      ['user:bob', '1', '0'],
    ])
  })

  it('comes once in an hour, and then tells of all that was found in between', async () => {
    await found(many(1, () => 'user:ada'))
    await tell()
    await found(many(10, () => 'user:ada'))
    expect(await tell()).toEqual({ files: 0 })
    expect(await owed(test, infectionNotice.name)).toContainEqual({ version: 1, tenantId: tenant.id })
    test.advance(hour)
    expect(await tell()).toEqual({ files: 10 })
    expect(sent.map(({ facts }) => facts)).toEqual([
      { count: '1', infected: '1', names: '0.bin' },
      { count: '10', infected: '10', names: '0.bin, 1.bin, 2.bin, …' },
    ])
  })

  it('of a storm is one for each person, in requests of a bounded size', async () => {
    await found(many(1200, (n) => `user:${n}`))
    expect(await tell()).toEqual({ files: 1200 })
    expect(sent.map(({ roles, people }) => [roles.length, people.length])).toEqual([
      [2, 500],
      [0, 500],
      [0, 200],
    ])
    expect(new Set(sent.flatMap(({ people }) => people.map(({ principal }) => principal))).size).toBe(1200)
    expect(new Set(sent.map(({ key }) => key)).size).toBe(3)
  })

  it('keeps long names short', async () => {
    await found([...many(3, () => 'user:ada').map(({ by }) => ({ name: 'ж'.repeat(150), by })), { name: 'd', by: 'user:ada' }])
    await tell()
    expect(sent[0]?.facts['names']).toHaveLength(200)
    expect(sent[0]?.facts['names']).toMatch(/, …$/)
  })
})

describe('when identity cannot be reached', () => {
  it('the same notice is asked for again, with what was found before the failure and nothing after it', async () => {
    const tried: NoticeRequest[] = []
    fail = (notice) => {
      tried.push(notice)
      throw problem('identity.unavailable')
    }
    await found(many(2, () => 'user:ada'))
    await expect(tell()).rejects.toMatchObject({ code: 'identity.unavailable' })
    await found(many(1, () => 'user:bob'))
    fail = null
    expect(await tell()).toEqual({ files: 2 })
    expect(sent).toEqual(tried)
    test.advance(hour)
    expect(await tell()).toEqual({ files: 1 })
  })

  it('in the middle of a storm, nobody is told twice: the keys are the same', async () => {
    await found(many(700, (n) => `user:${n}`))
    fail = ({ key }) => {
      if (key.endsWith('/1')) throw problem('identity.unavailable')
    }
    await expect(tell()).rejects.toThrow()
    fail = null
    await tell()
    expect(sent.map(({ key }) => key.split('/')[2])).toEqual(['0', '0', '1'])
    expect(sent[1]).toEqual(sent[0])
  })

  it('for longer than the tries last, the sweep asks again', async () => {
    await found(many(1, () => 'user:ada'))
    expect(await runJob(test, fileRescanSweep, { version: 1 })).toMatchObject({ notices: 0 })
    test.advance(2 * hour + 1)
    expect(await runJob(test, fileRescanSweep, { version: 1 })).toMatchObject({ notices: 1 })
    expect(await owed(test, infectionNotice.name)).toContainEqual({ version: 1, tenantId: tenant.id })
  })
})

describe('createNotices', () => {
  it('sends to identity as the service that it is, and takes every failure for an outage', async () => {
    const asked: { url: string | undefined; authorization: string | undefined; body: unknown }[] = []
    let status = 202
    const server = createServer((request, response) => {
      void json(request).then((body) => {
        asked.push({ url: request.url, authorization: request.headers.authorization, body })
        return response.writeHead(status).end('{}')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const notices = createNotices({ url, credential: 'files.secret' })
    const notice: NoticeRequest = { key: 'k', tenantId: tenant.id, kind: 'files-infected', roles: [], facts: {}, people: [] }
    await notices.send(notice)
    expect(asked).toEqual([{ url: '/internal/v1/notices', authorization: 'Service files.secret', body: notice }])
    for (status of [401, 422, 500, 503]) await expect(notices.send(notice)).rejects.toMatchObject({ code: 'identity.unavailable' })
    server.close()
    server.closeAllConnections()
    await expect(notices.send(notice)).rejects.toMatchObject({ code: 'identity.unavailable' })
  })
})

import { type Discrepancy, reconcile } from '@slipway/storage'
import { expect } from 'vitest'
import { bucketRows } from './domain/bucket-rows.ts'
import { type Answer, type CallOptions, type FilesTest, removeObjects, type Tenant, uploader } from './files.fixtures.ts'

type Content = Buffer | string

/** What tests of versions do, as one user of one tenant. */
export function versionsOf(test: FilesTest, tenant: Tenant, user = 'ada') {
  const caller = { tenant, user }
  const call = (path: string, options: CallOptions = {}): Promise<Answer> => test.call(caller, path, options)
  const of = (id: string) => `/api/v1/files/${id}`
  const get = async (id: string) => (await call(of(id))).body
  const put = (id: string, content: Content, headers: Record<string, string> = {}) =>
    call(`${of(id)}/content`, { method: 'PUT', body: new Uint8Array(Buffer.from(content)), headers })
  const one = (id: string, revision: number) => `${of(id)}/versions/${revision}`
  return {
    call,
    get,
    put,
    upload: async (name: string, content: Content) => {
      const { status, body } = await uploader(test, caller)(name, content)
      expect({ status, code: body.code }).toEqual({ status: expect.toBeOneOf([201, 202]), code: undefined })
      return body
    },
    /** As somebody who has just looked. */
    overwrite: async (id: string, content: Content) => put(id, content, { 'if-match': (await get(id)).etag }),
    text: async (id: string) => (await call(`${of(id)}/content`)).body.toString(),
    list: async (id: string) => (await call(`${of(id)}/versions`)).body.items as { revision: number; current: boolean; verdict: string }[],
    version: (id: string, revision: number) => call(one(id, revision)),
    content: (id: string, revision: number, options: CallOptions = {}) => call(`${one(id, revision)}/content`, options),
    restore: (id: string, revision: number, headers: Record<string, string> = {}) =>
      call(`${one(id, revision)}/restore`, { method: 'POST', headers }),
    purge: (id: string, revision: number) => call(one(id, revision), { method: 'DELETE' }),
    remove: (id: string, query = '') => call(`${of(id)}${query}`, { method: 'DELETE' }),
    used: async () => (await call('/api/v1/files/usage')).body.used as { bytes: number; files: number },
    trash: async () => (await call('/api/v1/files/usage')).body.trash as { bytes: number; files: number },
  }
}

/** The version waits for its verdict no longer: asked until it is so, without a time. */
export async function settledVersion({ version }: ReturnType<typeof versionsOf>, id: string, revision: number) {
  for (;;) {
    const { body } = await version(id, revision)
    if (body.verdict !== 'pending') return body
  }
}

/** What does not fit between rows and objects, in both buckets. */
export async function discrepancies(test: FilesTest): Promise<string[]> {
  const told: Discrepancy[] = []
  const olderThan = new Date(8.64e15)
  for (const rows of bucketRows(test.system))
    await reconcile(test.storage, rows, { olderThan, repair: false, onDiscrepancy: (found) => told.push(found) })
  return told.map(({ kind, bucket, key }) => `${kind} ${bucket} ${key}`)
}

/** Every object has its row and every row its object, and what counts against the quota is what there is. */
export async function expectOrder(test: FilesTest, tenant: Tenant): Promise<void> {
  await removeObjects(test)
  expect(await discrepancies(test)).toEqual([])
  const { rows } = await test.system.pool.query(
    `select coalesce(sum(size), 0)::int as bytes, (count(*) filter (where head_id is null))::int as files from files
     where tenant_id = $1 and verdict in ('pending', 'clean')`,
    [tenant.id],
  )
  expect(await versionsOf(test, tenant).used()).toEqual(rows[0])
}

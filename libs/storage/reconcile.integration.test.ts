import { randomUUID } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { freePort } from '@slipway/stack'
import { testStorage } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ObjectRef } from './object.ts'
import { type BucketRows, type Discrepancy, type ExpectedObject, type ReconcileOptions, reconcile } from './reconcile.ts'
import { connectionOf, createStorage, type Storage } from './storage.ts'

let storage: Storage
let bucket: string
const later = new Date(Date.now() + 86_400_000)

beforeAll(async () => {
  const { config } = await testStorage()
  storage = createStorage(config)
})
afterAll(() => storage[Symbol.asyncDispose]())
beforeEach(async () => {
  bucket = `b-${randomUUID()}`
  await storage.ensureBuckets([bucket])
})

/** As the gate would have left it. */
async function put(key: string, size = 3, into = bucket): Promise<void> {
  const { client, bucket: nameOf } = connectionOf(storage)
  await client.send(new PutObjectCommand({ Bucket: nameOf(into), Key: key, Body: Buffer.alloc(size) }))
}

interface Rows {
  expected: readonly ExpectedObject[]
  known?: readonly string[]
  isOurs?: BucketRows['isOurs']
  movedTo?: (key: string) => ObjectRef
}

function rowsOf({ expected, known = expected.map(({ key }) => key), ...more }: Rows): BucketRows & { asked: string[][] } {
  const asked: string[][] = []
  return {
    bucket,
    ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
    asked,
    async *expected() {
      // Batches whose ends are nobody's business.
      for (let at = 0; at < expected.length; at += 7) yield expected.slice(at, at + 7)
    },
    async known(keys) {
      asked.push(keys)
      return new Set(keys.filter((key) => known.includes(key)))
    },
  }
}

const row = (key: string, size: number | null = 3): ExpectedObject => ({ key, size })

async function compare(rows: BucketRows, options: Partial<ReconcileOptions> = {}) {
  const told: Discrepancy[] = []
  const report = await reconcile(storage, rows, { olderThan: later, repair: false, onDiscrepancy: (found) => told.push(found), ...options })
  return { ...report, told: told.map(({ kind, key }) => `${kind} ${key}`).toSorted() }
}

describe('rows and objects', () => {
  it('that belong together ask nobody anything', async () => {
    await Promise.all(['a', 'b/1', 'b/2'].map((key) => put(key)))
    const rows = rowsOf({ expected: [row('a'), row('b/1', null), row('b/2')] })
    expect(await compare(rows)).toMatchObject({ bucket, objects: 3, rows: 3, found: { unknown: 0, lost: 0, changed: 0 }, told: [] })
    expect(rows.asked).toEqual([])
  })

  it('are told where one is without the other, at the beginning, in the middle and at the end', async () => {
    await Promise.all(['a', 'c', 'd', 'f', 'z'].map((key) => put(key)))
    const result = await compare(rowsOf({ expected: ['b', 'c', 'e', 'f', 'g'].map((key) => row(key)) }))
    expect(result).toMatchObject({ objects: 5, rows: 5, found: { unknown: 3, lost: 3, changed: 0 }, removed: 0 })
    expect(result.told).toEqual(['lost b', 'lost e', 'lost g', 'unknown a', 'unknown d', 'unknown z'])
  })

  it('are told where the size differs, and not where the row knows none', async () => {
    await put('a', 4)
    await put('b', 4)
    const result = await compare(rowsOf({ expected: [row('a', 5), row('b', null)] }))
    expect(result.told).toEqual(['changed a'])
  })

  it('are none in an empty bucket without rows', async () => {
    expect(await compare(rowsOf({ expected: [] }))).toMatchObject({ objects: 0, rows: 0, told: [] })
  })

  it('of many pages are compared in batches', { timeout: 120_000 }, async () => {
    const keys = Array.from({ length: 2300 }, (_, index) => String(index).padStart(5, '0'))
    const [stored, expected] = [keys.filter((_, index) => index % 2 === 0), keys.filter((_, index) => index % 3 === 0)]
    for (let at = 0; at < stored.length; at += 50) await Promise.all(stored.slice(at, at + 50).map((key) => put(key)))
    const rows = rowsOf({ expected: expected.map((key) => row(key)) })
    const { found, told } = await compare(rows)
    const lost = expected.filter((key) => !stored.includes(key))
    const unknown = stored.filter((key) => !expected.includes(key))
    expect(found).toEqual({ lost: lost.length, unknown: unknown.length, changed: 0 })
    expect(told).toEqual([...lost.map((key) => `lost ${key}`), ...unknown.map((key) => `unknown ${key}`)].toSorted())
    expect(Math.max(...rows.asked.map((batch) => batch.length))).toBeLessThanOrEqual(1000)
  })
})

describe('what changes meanwhile is no discrepancy', () => {
  it('a row that came after the rows were read', async () => {
    await put('a')
    expect((await compare(rowsOf({ expected: [], known: ['a'] }))).told).toEqual([])
  })

  it('a row that went after the rows were read', async () => {
    expect((await compare(rowsOf({ expected: [row('a')], known: [] }))).told).toEqual([])
  })

  it('an object that came after the objects were read', async () => {
    const rows = rowsOf({ expected: [row('a')] })
    const late: BucketRows = {
      ...rows,
      async known(keys) {
        await put('a')
        return await rows.known(keys)
      },
    }
    expect((await compare(late)).told).toEqual([])
  })

  it('an object that is too young for a row', async () => {
    await put('a')
    expect((await compare(rowsOf({ expected: [] }), { olderThan: new Date(Date.now() - 3_600_000) })).told).toEqual([])
  })

  it('an object that went where its row will say it is', async () => {
    const other = `o-${randomUUID()}`
    await storage.ensureBuckets([other])
    const movedTo = (key: string) => ({ bucket: other, key: `moved/${key}` })
    await put('moved/a', 3, other)
    expect((await compare(rowsOf({ expected: [row('a'), row('b')], movedTo }))).told).toEqual(['lost b'])
  })
})

describe('repair', () => {
  it('removes what no row knows, and nothing else', async () => {
    await Promise.all(['a', 'b', 'c'].map((key) => put(key)))
    const rows = rowsOf({ expected: [row('b'), row('lost')], known: ['b', 'c', 'lost'] })
    expect(await compare(rows, { repair: true })).toMatchObject({ found: { unknown: 1, lost: 1 }, removed: 1 })
    expect(await compare(rows, { repair: true })).toMatchObject({ objects: 2, found: { unknown: 0, lost: 1 }, removed: 0 })
    expect(await storage.head({ bucket, key: 'a' })).toBeUndefined()
  })

  it('leaves alone what belongs to others in a shared bucket', async () => {
    await put('t/ours/a')
    await put('t/theirs/b')
    const isOurs = (key: string) => key.split('/')[1] === 'ours'
    expect(await compare(rowsOf({ expected: [], isOurs }), { repair: true })).toMatchObject({ objects: 1, removed: 1 })
    expect(await storage.head({ bucket, key: 't/theirs/b' })).toBeDefined()
  })
})

describe('nothing is said and nothing removed', () => {
  it('when rows come out of order', async () => {
    await put('a')
    const rows = rowsOf({ expected: [row('b'), row('a')] })
    await expect(compare(rows, { repair: true })).rejects.toThrow('rows come out of order: "a" after "b"')
    expect(await storage.head({ bucket, key: 'a' })).toBeDefined()
  })

  it('when the same key is expected twice', async () => {
    await expect(compare(rowsOf({ expected: [row('a'), row('a')] }))).rejects.toThrow('out of order')
  })

  it('when rows cannot be read to their end, or asked again', async () => {
    await put('a')
    const rows = rowsOf({ expected: [] })
    const away = () => Promise.reject(new Error('the database is away'))
    await expect(compare({ ...rows, known: away }, { repair: true })).rejects.toThrow('away')
    const broken = async function* () {
      yield [row('0')]
      await away()
    }
    await expect(compare({ ...rows, expected: broken }, { repair: true })).rejects.toThrow('away')
    expect(await storage.head({ bucket, key: 'a' })).toBeDefined()
  })

  it('when the store is away', async () => {
    const { config } = await testStorage()
    await using nowhere = createStorage({ ...config, endpoint: `http://127.0.0.1:${await freePort()}` })
    const rows = rowsOf({ expected: [row('a')] })
    await expect(reconcile(nowhere, rows, { olderThan: later, repair: true })).rejects.toMatchObject({ code: 'storage.unavailable' })
  })

  it('when it is told to stop', async () => {
    await put('a')
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(compare(rowsOf({ expected: [] }), { repair: true, signal })).rejects.toThrow('enough')
    expect(await storage.head({ bucket, key: 'a' })).toBeDefined()
  })
})

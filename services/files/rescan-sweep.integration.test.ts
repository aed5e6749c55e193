import { randomUUID } from 'node:crypto'
import { connect } from '@slipway/db'
import { zipOf } from '@slipway/testing'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databasesStatement, dueStatement } from './domain/rescan-order.ts'
import { type FilesTest, newTenant, owed, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { fileRescan } from './jobs/file-rescan.ts'
import { fileRescanSweep } from './jobs/file-rescan-sweep.ts'
import { type MovingClamd, movingClamd } from './signatures.fixtures.ts'

const rows = 1000
const page = 20

let clamd: MovingClamd
let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  clamd = await movingClamd()
})
afterAll(async () => {
  await clamd?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  tenant = newTenant()
  test = await startFiles({ scanner: { host: clamd.host, port: clamd.port } })
  return async () => {
    await test[Symbol.asyncDispose]()
  }
})

const sweep = () => runJob(test, fileRescanSweep, { version: 1 })
const query = async <Row extends object>(text: string, values: unknown[] = []) => (await test.system.pool.query<Row>(text, values)).rows

/** Files of two tenants that were looked at with one of three old databases, read in different measure; their bytes do not matter here. */
async function manyFiles(count = rows): Promise<void> {
  await query(
    `insert into files (id, tenant_id, name, name_key, size, content_type, sha256, verdict, scan_engine, scan_database, scan_at, created_by,
       created_at, updated_at, read_rank)
     select gen_random_uuid(), case when n % 2 = 0 then $1::uuid else $2::uuid end, n::text, n::text, 1, 'text/plain', repeat('0', 64), 'clean',
       'ClamAV', case when n % 3 = 0 then '0/none' else (100 + n % 3) || '/Thu Oct 16 09:44:12 2025' end, now(), 'user:ada',
       now() - n * interval '1 minute', now(), n % 7
     from generate_series(1, $3) as n`,
    [tenant.id, randomUUID(), count],
  )
  await analyze()
}

/** What autovacuum does of itself. */
async function analyze(): Promise<void> {
  await using admin = connect({ url: test.database.adminUrl })
  await admin.pool.query('analyze files.files')
}

describe('a sweep', () => {
  it(`goes through ${rows} files in pages of ${page}: most read and newest first, some of the oldest verdicts, each once`, async () => {
    await manyFiles()
    type Left = { id: string; scan_database: string }
    let left = await query<Left>(`select id, scan_database from files order by read_rank desc, created_at desc`)
    for (;;) {
      const { due } = (await sweep()) as { due: number }
      const jobs = await owed(test, fileRescan.name)
      const ids = jobs.map((job) => String(job['fileId']))
      expect([due, jobs.length]).toEqual([Math.min(page, left.length), Math.min(page, left.length)])
      if (due === 0) break
      const oldest = ['0/', '101/', '102/'].find((database) => left.some((file) => file.scan_database.startsWith(database))) ?? '0/'
      const first = left.slice(0, 0.75 * page)
      const then = [...left.filter((file) => file.scan_database.startsWith(oldest)), ...left].filter((file) => !first.includes(file))
      expect(ids).toEqual([...new Set([...first, ...then].map(({ id }) => id))].slice(0, page))
      // A stop in the middle: the same page is asked for again, and stays one request for each file.
      if (left.length === rows - 2 * page) {
        await sweep()
        expect(await owed(test, fileRescan.name)).toEqual(jobs)
      }
      await query(`update files set scan_database = '99999/later' where id = any($1)`, [ids])
      await query(`update jobs set state = 'completed', finished_at = now() where queue = $1`, [fileRescan.name])
      left = left.filter(({ id }) => !ids.includes(id))
    }
    expect(left).toEqual([])
  })

  it('asks an index, and reads no more of it than a page for each database', async () => {
    await manyFiles(5 * rows)
    await query(`update files set scan_database = '99999/later' where read_rank < 5`)
    await analyze()
    const plans = await test.system.transaction(async (tx) => {
      const explain = async (statement: ReturnType<typeof databasesStatement>) => {
        const { rows } = await tx.execute<{ 'QUERY PLAN': unknown }>(sql`explain (analyze, format json) ${statement}`)
        return JSON.stringify(rows[0]?.['QUERY PLAN'])
      }
      const old = ['0/none', '101/Thu Oct 16 09:44:12 2025', '102/Thu Oct 16 09:44:12 2025']
      return [await explain(databasesStatement()), await explain(dueStatement(old, page))]
    })
    for (const plan of plans) {
      expect(plan).toContain('files_by_database')
      expect(plan).not.toContain('Seq Scan')
      const read = [...plan.matchAll(/"Index Name":"files_by_database".*?"Actual Rows":([\d.]+),"Actual Loops":(\d+)/g)]
      expect(read.length).toBeGreaterThan(0)
      for (const [, actual, loops] of read) expect(Number(actual) * Number(loops)).toBeLessThanOrEqual(3 * page)
    }
  })

  it('does nothing where no official database is loaded', async () => {
    await using other = await startFiles()
    await uploader(other, { tenant })('a.txt', 'harmless')
    expect(await runJob(other, fileRescanSweep, { version: 1 })).toMatchObject({ due: 0 })
  })
})

describe('real workers', () => {
  it('look at everything when the signatures move, page after page, and find the one', async () => {
    const upload = async (name: string, content: Buffer | string) => (await uploader(test, { tenant })(name, content)).body
    const files = []
    for (let n = 0; n < page + 8; n++)
      files.push(await upload(`${n}`, n === 3 ? zipOf([{ name: 'm', content: 'swept-malware' }]) : `file ${n}`))
    const number = await clamd.move({ Slipway: 'swept-malware' })
    test.advance(6000)
    await using first = await test.work()
    await using second = await test.work()
    await test.queues.add(fileRescanSweep, { version: 1 })
    const behind = () => query(`select id from files where verdict = 'clean' and scan_database not like '${number}/%'`)
    while ((await behind()).length > 0 || (await owed(test, 'file-isolation')).length > 0);
    const verdicts = await query<{ id: string; verdict: string }>('select id, verdict from files')
    expect(verdicts.filter(({ verdict }) => verdict !== 'clean')).toEqual([{ id: files[3].id, verdict: 'infected' }])
    expect(verdicts).toHaveLength(files.length)
    await Promise.all([first.stop(5000), second.stop(5000)])
  })
})

describe('reads', () => {
  it('are counted in batches, not for 304 and HEAD, and by all processes together', async () => {
    const { body: file } = await uploader(test, { tenant })('a.txt', 'harmless')
    const read = (headers: Record<string, string> = {}, method = 'GET') =>
      test.call({ tenant }, `/api/v1/files/${file.id}/content`, { headers, method })
    const { headers } = await read()
    await read({ range: 'bytes=0-1' })
    await read({ 'if-none-match': headers.get('etag') ?? '' })
    await read({}, 'HEAD')
    const counted = () => query('select reads::int, read_rank, read_at is not null as known, version from files')
    expect(await counted()).toEqual([{ reads: 0, read_rank: 0, known: false, version: 1 }])
    await test.context.reads.flush()
    expect(await counted()).toEqual([{ reads: 2, read_rank: 1, known: true, version: 1 }])
    for (let n = 0; n < 5; n++) await read()
    await test.context.reads.flush()
    expect(await counted()).toEqual([{ reads: 7, read_rank: 3, known: true, version: 1 }])
  })

  it('wait for nobody: a row that is locked is passed over', async () => {
    const { body: file } = await uploader(test, { tenant })('a.txt', 'harmless')
    await test.system.transaction(async (tx) => {
      await tx.execute(sql`select from files where id = ${file.id} for update`)
      test.context.reads.count(file.id)
      await test.context.reads.flush()
    })
    expect(await query('select reads::int from files')).toEqual([{ reads: 0 }])
  })
})

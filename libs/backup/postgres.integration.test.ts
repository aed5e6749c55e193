import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { withClient } from '@slipway/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  backUpPostgres,
  contents,
  fill,
  programs,
  retention,
  startServer,
  startVault,
  type TestDatabase,
  type TestServer,
  type TestVault,
  tenants,
  wipe,
} from './backup.fixtures.ts'
import { chooseBackups, fetchDump, prepareDump, publishDump, readCatalog, runScript, servicesAtWork, stageRestore } from './index.ts'
import { backupId, keyOf, type PostgresManifest } from './manifest.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function filled(): Promise<TestDatabase> {
  const database = await server.database()
  await database.migrate()
  await fill(database)
  return database
}

async function stage(vault: TestVault, database: TestDatabase, manifest: PostgresManifest) {
  const folder = await mkdtemp(join(vault.scratch, 'restore-'))
  const dump = join(folder, 'dump')
  await fetchDump(vault.vault, manifest, dump)
  await stageRestore({ migrations: database.migrations, manifest, folder })
  return { folder, dump }
}

async function restore(vault: TestVault, database: TestDatabase, manifest: PostgresManifest): Promise<void> {
  await runScript({ script: 'restore.sh', ...(await stage(vault, database, manifest)), programs: await programs() })
}

describe('a database that was backed up', () => {
  test('comes back with the rows of all tenants, their borders, rights, owners and sequences', async () => {
    await using vault = await startVault()
    const database = await filled()
    const before = await contents(database)
    expect(before['notes.notes']).toHaveLength(6)
    const { manifest } = await backUpPostgres(vault, database)
    await wipe(database)
    expect(await contents(database)).not.toEqual(before)
    await restore(vault, database, manifest)
    expect(await contents(database)).toEqual(before)
    expect((await database.migrate()).applied).toEqual([])
    await using runtime = database.connect('runtime')
    for (const tenant of tenants) {
      const { rows } = await runtime.tenantTransaction(tenant, (tx) => tx.execute('select distinct tenant_id from notes'))
      expect(rows).toEqual([{ tenant_id: tenant }])
    }
    await runtime.tenantTransaction(tenants[0], (tx) => tx.execute(`insert into notes (body) values ('new')`))
    await expect(runtime.tenantTransaction(tenants[0], (tx) => tx.execute('delete from notes'))).rejects.toThrow()
  })

  test('comes back over one that has moved on, and again after that', async () => {
    await using vault = await startVault()
    const database = await filled()
    const before = await contents(database)
    const { manifest } = await backUpPostgres(vault, database)
    await fill(database, 5)
    await withClient(database.asSuper, (client) => client.query('alter table notes.notes add column later text'))
    await restore(vault, database, manifest)
    await restore(vault, database, manifest)
    expect(await contents(database)).toEqual(before)
  })

  test('comes back on a server that has never seen its roles', async () => {
    await using vault = await startVault()
    const database = await filled()
    const before = await contents(database)
    const { manifest } = await backUpPostgres(vault, database)
    await using other = await startServer()
    const empty = await other.database()
    await restore(vault, empty, manifest)
    expect(await contents(empty)).toEqual(before)
    expect((await empty.migrate()).applied).toEqual([])
  })

  test('is as it was when its restore is killed in the middle, and right after the next one', async () => {
    await using vault = await startVault()
    const database = await filled()
    const { manifest } = await backUpPostgres(vault, database)
    const backedUp = await contents(database)
    await fill(database, 2)
    const moved = await contents(database)
    const staged = await stage(vault, database, manifest)
    // Somebody holds a table that the restore wants to drop: it is in the middle when it is killed.
    await withClient(database.asSuper, async (holder) => {
      await holder.query('begin; lock table other.notes in access share mode')
      const killed = new AbortController()
      const running = runScript({ script: 'restore.sh', ...staged, programs: await programs(), signal: killed.signal })
      const waiting = `select 1 from pg_stat_activity where application_name = 'slipway restore' and wait_event_type = 'Lock'`
      const others = () => withClient(database.asSuper, async (client) => (await client.query(waiting)).rowCount)
      await expect.poll(others, { timeout: 30_000 }).toBe(1)
      killed.abort()
      await expect(running).rejects.toThrow(/failed/)
      await holder.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'slipway restore'`)
      await holder.query('rollback')
    })
    expect(await contents(database)).toEqual(moved)
    await restore(vault, database, manifest)
    expect(await contents(database)).toEqual(backedUp)
  })
})

describe('a dump', () => {
  test('says what it is: its schemas with their migrations, its bytes', async () => {
    await using vault = await startVault()
    const database = await filled()
    const { manifest } = await backUpPostgres(vault, database)
    expect(manifest).toMatchObject({ kind: 'postgres', app: 'test', server: expect.stringMatching(/^18/), bytes: expect.any(Number) })
    expect(Object.keys(manifest.schemas)).toEqual(['notes', 'other'])
    expect(manifest.schemas['notes']).toContainEqual({
      source: 'notes',
      file: '0001_notes.sql',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect((await readCatalog(vault.vault)).backups).toEqual([manifest])
  })

  test('is not made when a policy would hide rows from it', async () => {
    const database = await filled()
    const change = (query: string) => withClient(database.asSuper, (client) => client.query(query))
    const prepare = () => prepareDump({ database: database.asBackup, schemas: database.schemas, folder: '/nonexistent', now: 0 })
    await change('drop policy backup on notes.folders')
    await expect(prepare()).rejects.toThrow('slipway_backup does not see all rows of notes.folders')
    await change('create policy backup on notes.folders for select to slipway_backup using (tenant_id is null)')
    await expect(prepare()).rejects.toThrow('notes.folders')
    await change('drop policy backup on notes.folders; create policy backup on notes.folders for select to slipway_backup using (true)')
    await change('create policy narrow on other.notes as restrictive to slipway_backup using (id > 1)')
    await expect(prepare()).rejects.toThrow('all rows of other.notes')
    await change('drop policy narrow on other.notes; revoke select on notes.jobs from slipway_backup')
    await expect(prepare()).rejects.toThrow('all rows of notes.jobs')
  })

  test('is not made of a schema that is not there', async () => {
    const database = await filled()
    const preparing = prepareDump({ database: database.asBackup, schemas: ['notes', 'absent'], folder: '/nonexistent', now: 0 })
    await expect(preparing).rejects.toThrow('schema absent')
  })

  test('leaves its password to files only that nobody else reads', async () => {
    await using vault = await startVault()
    const database = await filled()
    await prepareDump({ database: database.asBackup, schemas: database.schemas, folder: vault.scratch, now: 0 })
    expect(await readFile(join(vault.scratch, 'pg_service.conf'), 'utf8')).toContain("password=backup'with'=signs\\#\n")
  })
})

describe('a run that is killed', () => {
  test('while it uploads leaves no backup; a later run removes its parts, and no sooner', async () => {
    await using vault = await startVault()
    const database = await filled()
    const { config, clock } = vault
    const client = new S3Client({
      ...config,
      forcePathStyle: true,
      credentials: { accessKeyId: config.accessKey, secretAccessKey: config.secretKey },
    })
    const Bucket = vault.vault.bucket
    const killed = backupId(clock.now())
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: keyOf.dump(killed) }))
    await vault.vault.put(keyOf.dump(backupId(clock.now() - 1000)), Readable.from([Buffer.from('a dump without a manifest')]))
    const uploads = async () => (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.length ?? 0
    clock.advance(3_600_000)
    const first = await backUpPostgres(vault, database)
    expect(await uploads()).toBe(1)
    expect(await readCatalog(vault.vault)).toMatchObject({ backups: [first.manifest], incomplete: [{ kind: 'postgres' }] })
    clock.advance(25 * 3_600_000)
    const second = await backUpPostgres(vault, database)
    expect(await uploads()).toBe(0)
    expect(await readCatalog(vault.vault)).toMatchObject({ backups: [second.manifest, first.manifest], incomplete: [] })
    client.destroy()
  })

  test('before its manifest removes nothing that is good', async () => {
    await using vault = await startVault()
    const database = await filled()
    const { manifest } = await backUpPostgres(vault, database)
    vault.clock.advance(30 * 86_400_000)
    const folder = await mkdtemp(join(vault.scratch, 'dump-'))
    const dump = join(folder, 'dump')
    await prepareDump({ database: database.asBackup, schemas: database.schemas, folder, now: vault.clock.now() })
    await writeFile(dump, 'no archive')
    const publishing = publishDump({ ...vault, ...retention, database: database.asBackup, folder, dump, app: 'test', now: vault.clock.now })
    await expect(publishing).rejects.toThrow('is no dump of pg_dump')
    expect((await readCatalog(vault.vault)).backups).toEqual([manifest])
  })

  test('by a migration in its middle is no backup', async () => {
    await using vault = await startVault()
    const database = await filled()
    const folder = await mkdtemp(join(vault.scratch, 'dump-'))
    const dump = join(folder, 'dump')
    await prepareDump({ database: database.asBackup, schemas: database.schemas, folder, now: vault.clock.now() })
    await runScript({ script: 'dump.sh', folder, dump, programs: await programs() })
    await withClient(database.asSuper, (client) =>
      client.query(`insert into notes.schema_migrations (source, file, sha256) values ('notes', '0002_more.sql', '${'a'.repeat(64)}')`),
    )
    const publishing = publishDump({ ...vault, ...retention, database: database.asBackup, folder, dump, app: 'test', now: vault.clock.now })
    await expect(publishing).rejects.toThrow('a migration ran while the dump was made')
    expect((await readCatalog(vault.vault)).backups).toEqual([])
  })
})

describe('nothing is touched', () => {
  test.each([
    ['a byte of the dump has changed', async (vault: TestVault, id: string) => flip(vault, keyOf.dump(id)), /is damaged/],
    ['the dump is gone', async (vault: TestVault, id: string) => vault.vault.remove([keyOf.dump(id)]), /not.found|no such/i],
    [
      'the manifest is damaged',
      async (vault: TestVault, id: string) => cut(vault, keyOf.manifest('postgres', id)),
      /manifest .* is damaged/,
    ],
  ])('when %s', async (_, damage, words) => {
    await using vault = await startVault()
    const database = await filled()
    const before = await contents(database)
    const { manifest } = await backUpPostgres(vault, database)
    await damage(vault, manifest.id)
    const attempt = async () => {
      const { postgres } = chooseBackups(await readCatalog(vault.vault), { from: manifest.id })
      if (postgres) await restore(vault, database, postgres)
    }
    await expect(attempt()).rejects.toThrow(words)
    expect(await contents(database)).toEqual(before)
  })

  test('by a backup of a newer release, or with services that are not here', async () => {
    await using vault = await startVault()
    const database = await filled()
    const { manifest } = await backUpPostgres(vault, database)
    const newer = { source: 'notes', file: '0002_later.sql', sha256: '0'.repeat(64) }
    const later = { ...manifest, schemas: { ...manifest.schemas, notes: [...(manifest.schemas['notes'] ?? []), newer] } }
    await expect(stage(vault, database, later)).rejects.toThrow('notes/0002_later.sql is applied but unknown to this release')
    const more = { ...manifest, schemas: { ...manifest.schemas, crawl: [] } }
    await expect(stage(vault, database, more)).rejects.toThrow('services that this release has not: crawl')
  })

  test('while the dump cannot be read to its end', async () => {
    await using vault = await startVault()
    const database = await filled()
    const before = await contents(database)
    const { manifest } = await backUpPostgres(vault, database)
    const { folder, dump } = await stage(vault, database, manifest)
    const bytes = await readFile(dump)
    await writeFile(dump, bytes.subarray(0, bytes.length - 2000))
    await expect(runScript({ script: 'restore.sh', folder, dump, programs: await programs() })).rejects.toThrow(
      /restore of Postgres failed/,
    )
    expect(await contents(database)).toEqual(before)
  })

  test('services at work are told by their names', async () => {
    const database = await filled()
    expect(await servicesAtWork(database.asAdmin)).toEqual([])
    await using runtime = database.connect('runtime')
    await runtime.ready()
    expect(await servicesAtWork(database.asAdmin)).toEqual(['slipway_notes_runtime (notes runtime)'])
  })
})

async function flip({ vault }: TestVault, key: string): Promise<void> {
  const bytes = Buffer.concat(await (await vault.read(key)).stream.toArray())
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
  await vault.put(key, Readable.from([bytes]))
}

async function cut({ vault }: TestVault, key: string): Promise<void> {
  const bytes = Buffer.concat(await (await vault.read(key)).stream.toArray())
  await vault.put(key, Readable.from([bytes.subarray(0, bytes.length - 5)]))
}

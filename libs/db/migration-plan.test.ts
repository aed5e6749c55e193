import { describe, expect, it } from 'vitest'
import { migrationFolder } from './db.fixtures.ts'
import { loadMigrations, type Migration, MigrationError, planMigrations } from './migration-plan.ts'

function migration(id: string, sha256 = 'a'): Migration {
  const [source = '', file = ''] = id.split('/')
  return { source, file, sha256, sql: '' }
}
const ids = (migrations: Migration[]) => migrations.map(({ source, file }) => `${source}/${file}`)

describe('loadMigrations', () => {
  it('reads the SQL files of each source in order, and nothing else', async () => {
    await using own = await migrationFolder({ '0002_b.sql': 'select 2', '0001_a.sql': 'select 1', 'README.md': '' })
    await using library = await migrationFolder({ '0001_z.sql': 'select 3' })
    const loaded = await loadMigrations([
      { name: 'audit', folder: library.folder },
      { name: 'files', folder: own.folder },
    ])
    expect(ids(loaded)).toEqual(['audit/0001_z.sql', 'files/0001_a.sql', 'files/0002_b.sql'])
    expect(loaded[1]).toMatchObject({ sql: 'select 1', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string })
  })

  it('hashes the same text the same, whatever the line ends of the checkout', async () => {
    await using unix = await migrationFolder({ '0001_a.sql': 'select 1;\nselect 2;\n' })
    await using windows = await migrationFolder({ '0001_a.sql': 'select 1;\r\nselect 2;\r\n' })
    const hashes = await Promise.all([unix, windows].map(async ({ folder }) => (await loadMigrations([{ name: 'x', folder }]))[0]?.sha256))
    expect(hashes[0]).toBe(hashes[1])
  })

  it.each([
    [{ '1_a.sql': '' }, /named like 0001_add_folders\.sql/],
    [{ '0001_A.sql': '' }, /named like/],
    [{ '0001_a.sql': '', '0001_b.sql': '' }, /0001_b\.sql: another migration has this number/],
    [{ '0001_a.sql': 'create table a ();\ncommit;' }, /one transaction, remove begin and commit/],
    [{ '0001_a.sql': '  START TRANSACTION;\nselect 1' }, /one transaction/],
  ])('refuses %o', async (files, message) => {
    await using own = await migrationFolder(files)
    const loading = loadMigrations([{ name: 'files', folder: own.folder }])
    await expect(loading).rejects.toThrow(MigrationError)
    await expect(loading).rejects.toThrow(message)
  })

  it('lets functions have their begin', async () => {
    await using own = await migrationFolder({ '0001_a.sql': 'do $$\nbegin\n  perform 1;\nend $$;' })
    await expect(loadMigrations([{ name: 'files', folder: own.folder }])).resolves.toHaveLength(1)
  })

  it('names a missing folder and two sources of one name', async () => {
    const missing = { name: 'files', folder: new URL('file:///nowhere/migrations') }
    await expect(loadMigrations([missing])).rejects.toThrow('The migrations of files cannot be read at /nowhere/migrations/')
    await expect(loadMigrations([missing, missing])).rejects.toThrow(/Two migration folders are named files/)
  })
})

describe('planMigrations', () => {
  const available = [migration('audit/0001_z.sql'), migration('files/0001_a.sql'), migration('files/0002_b.sql')]

  it('is everything at first, what is new afterwards, and nothing in the end', () => {
    expect(ids(planMigrations(available, []))).toEqual(ids(available))
    expect(ids(planMigrations(available, available.slice(0, 2)))).toEqual(['files/0002_b.sql'])
    expect(planMigrations(available, available)).toEqual([])
  })

  it('lets a library grow under an old service', () => {
    const grown = [migration('audit/0001_z.sql'), migration('audit/0002_y.sql'), ...available.slice(1)]
    expect(ids(planMigrations(grown, available))).toEqual(['audit/0002_y.sql'])
  })

  it('refuses a changed file', () => {
    expect(() => planMigrations(available, [migration('files/0001_a.sql', 'b')])).toThrow(/files\/0001_a\.sql was changed after/)
  })

  it('refuses a database of a newer release, unless allowed', () => {
    const newer = [...available, migration('files/0003_c.sql')]
    expect(() => planMigrations(available, newer)).toThrow(/files\/0003_c\.sql is applied but unknown to this release/)
    expect(planMigrations(available, newer, { allowNewer: true })).toEqual([])
  })

  it('refuses a file that was merged late', () => {
    expect(() => planMigrations(available, [migration('files/0002_b.sql')])).toThrow(
      /files\/0001_a\.sql sorts before 0002_b\.sql, which is applied: give it the next free number/,
    )
  })

  it('tells all faults at once', () => {
    const applied = [migration('files/0001_a.sql', 'b'), migration('files/0009_x.sql')]
    expect(() => planMigrations(available, applied)).toThrow(/0001_a.*changed[\s\S]*0009_x.*unknown[\s\S]*0002_b.*sorts before/)
  })
})

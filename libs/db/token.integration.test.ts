import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, migrationFolder, notesTable, passwords, startCluster } from './db.fixtures.ts'
import { awsTokenRole, backupRole, connect, type MigrateOptions, migrate, roleName, type SignIn } from './index.ts'

/** Postgres that knows a token as a password: what RDS does behind the same protocol. */
let cluster: Cluster
let adminUrl: string
const runtime = roleName('notes', 'runtime')

beforeAll(async () => {
  cluster = await startCluster()
  adminUrl = (await cluster.createDatabase()).replace('admin:admin@', 'admin@')
})
afterAll(() => cluster[Symbol.asyncDispose]())

async function run(options: Partial<MigrateOptions>, given = {}) {
  await using folder = await migrationFolder({ '0001_notes.sql': notesTable })
  return await migrate({ adminUrl, services: [{ name: 'notes', folder: folder.folder, passwords: given }], ...options })
}

const asAdmin = async () => 'admin'
const keyless = { tokens: asAdmin, tokenRole: awsTokenRole }

async function facts(): Promise<Record<string, unknown>[]> {
  return cluster.query(`select rolname as name, rolcanlogin as login, rolpassword is not null as password,
    exists (select from pg_auth_members m join pg_roles t on t.oid = m.roleid where t.rolname = '${awsTokenRole}' and m.member = a.oid) as token
    from pg_authid a where rolname like 'slipway%' order by rolname`)
}

describe('an installation without passwords', () => {
  it('is told what to switch on where there are no tokens', async () => {
    await expect(run(keyless)).rejects.toThrow('Postgres has no role rds_iam: switch IAM authentication of the database on')
  })

  it('is migrated by an admin who has none either, and its roles sign in by token only', async () => {
    await cluster.query(`create role ${awsTokenRole} nologin; grant ${awsTokenRole} to admin with admin option`)
    const asked: SignIn[] = []
    const tokens = async (signIn: SignIn) => {
      asked.push(signIn)
      return 'admin'
    }
    await run({ ...keyless, tokens })
    expect(asked).toEqual([{ host: '127.0.0.1', port: cluster.port, user: 'admin' }])
    expect(await facts()).toEqual([
      { name: backupRole, login: true, password: false, token: true },
      { name: 'slipway_notes_owner', login: false, password: false, token: false },
      { name: runtime, login: true, password: false, token: true },
      { name: 'slipway_notes_system', login: true, password: false, token: true },
    ])
    expect(await run(keyless)).toMatchObject({ applied: [] })
  })

  it('asks for a token per connection: open ones go on when it changes, new ones take the next', async () => {
    let token = 'first'
    const accept = () => cluster.query(`alter role ${runtime} password '${token}'`)
    const asked: string[] = []
    const tokens = async ({ user }: SignIn) => {
      asked.push(user)
      return token
    }
    await accept()
    await using database = connect({ url: adminUrl, role: { user: runtime }, tokens, poolSize: 2 })
    const open = await database.pool.connect()
    try {
      token = 'second'
      await accept()
      await database.ready()
      expect((await open.query('select current_user as name')).rows).toEqual([{ name: runtime }])
      expect(asked).toEqual([runtime, runtime])
      await database.ready()
      expect(asked).toHaveLength(2)
    } finally {
      open.release()
    }
  })

  it('answers that the database is not available while there is no token, or a wrong one', async () => {
    const none = async () => {
      throw new Error('the identity provider is away')
    }
    for (const tokens of [none, async () => 'expired']) {
      await using database = connect({ url: adminUrl, role: { user: runtime }, tokens })
      await expect(database.ready()).rejects.toMatchObject({ code: 'database.unavailable' })
      await expect(database.transaction(async () => 1)).rejects.toMatchObject({ code: 'database.unavailable' })
    }
  })

  it('goes back to passwords, and nobody keeps a token then', async () => {
    await run({ tokens: asAdmin, backupPassword: 'backup-1' }, passwords)
    for (const fact of await facts()) expect(fact).toMatchObject({ login: true, password: true, token: false })
    await using database = connect({ url: adminUrl, role: { user: runtime, password: passwords.runtime } })
    await database.ready()
  })
})

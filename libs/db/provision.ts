import { setTimeout as wait } from 'node:timers/promises'
import { type Client, DatabaseError, escapeIdentifier, escapeLiteral } from 'pg'
import { MigrationError } from './migration-plan.ts'
import { backupRole, type Role, roleName } from './role.ts'
import { scramVerifier } from './scram.ts'
import { awsTokenRole } from './token.ts'

/** A role without a password cannot sign in, unless it does so by token. */
export interface ServicePasswords {
  runtime?: string | undefined
  system?: string | undefined
  /** Without it the owner cannot sign in, and does not need to: migrations become the owner from the admin connection. */
  owner?: string | undefined
}

interface LoginRole {
  name: string
  password: string | undefined
  /** Where its unqualified names resolve. */
  schema: string | undefined
}

const quote = escapeIdentifier

/**
 * Makes the roles that are missing and sets every given password, in one transaction. Roles belong to the whole cluster while
 * advisory locks belong to one database: migrations of two databases meet here, and the loser starts again.
 */
export async function provisionRoles(
  admin: Client,
  services: readonly { name: string; passwords: ServicePasswords }[],
  { backupPassword, tokenRole }: { backupPassword?: string | undefined; tokenRole?: string | undefined },
): Promise<void> {
  const roles = [...services.flatMap(serviceRoles), { name: backupRole, password: backupPassword, schema: undefined }]
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(admin, async () => {
        await alterRoles(admin, roles, tokenRole)
        await grantTokens(admin, roles, tokenRole)
      })
    } catch (error) {
      if (attempt >= 30 || !isCatalogRace(error)) throw explain(error)
      await wait(10 + Math.random() * 20 * attempt)
    }
  }
}

function serviceRoles({ name, passwords }: { name: string; passwords: ServicePasswords }): LoginRole[] {
  const roles: Role[] = ['owner', 'runtime', 'system']
  return roles.map((role) => ({ name: roleName(name, role), password: passwords[role], schema: name }))
}

async function alterRoles(admin: Client, roles: readonly LoginRole[], tokenRole: string | undefined): Promise<void> {
  const { superuser, version } = await adminFacts(admin)
  const existing = await existingRoles(admin, roles)
  for (const role of roles) {
    const verb = existing.has(role.name) ? 'alter' : 'create'
    await admin.query(`${verb} role ${quote(role.name)} with ${tokenRole !== undefined && mayUseTokens(role) ? byToken : byPassword(role)}`)
    if (role.schema !== undefined) await admin.query(`alter role ${quote(role.name)} set search_path = ${quote(role.schema)}`)
    if (!superuser && role.name.endsWith('_owner')) await becomeMember(admin, role.name, version)
  }
}

const byToken = 'login password null'

function byPassword({ password }: LoginRole): string {
  return password === undefined ? 'nologin' : `login password ${escapeLiteral(scramVerifier(password))}`
}

/** Owners sign in by password only, for people; migrations become them. */
function mayUseTokens({ name }: LoginRole): boolean {
  return !name.endsWith('_owner')
}

/** Membership decides how RDS lets a role in, so that it is taken away again where passwords are in use. */
async function grantTokens(admin: Client, roles: readonly LoginRole[], tokenRole: string | undefined): Promise<void> {
  const names = roles.filter(mayUseTokens).map(({ name }) => name)
  if (tokenRole !== undefined) return void (await admin.query(`grant ${quote(tokenRole)} to ${names.map(quote).join(', ')}`))
  const { rows } = await admin.query<{ name: string }>(
    `select member.rolname as name from pg_auth_members
       join pg_roles token on token.oid = roleid join pg_roles member on member.oid = pg_auth_members.member
     where token.rolname = $1 and member.rolname = any($2)`,
    [awsTokenRole, names],
  )
  for (const { name } of rows) await admin.query(`revoke ${quote(awsTokenRole)} from ${quote(name)}`)
}

/** Since Postgres 16 whoever creates a role may grant it, but not yet act as it. */
async function becomeMember(admin: Client, role: string, version: number): Promise<void> {
  const options = version >= 160_000 ? ' with set true, inherit false' : ''
  await admin.query(`grant ${quote(role)} to current_user${options}`)
}

async function adminFacts(admin: Client): Promise<{ superuser: boolean; version: number }> {
  const { rows } = await admin.query<{ superuser: boolean; version: number }>(
    `select rolsuper as superuser, current_setting('server_version_num')::int as version from pg_roles where rolname = current_user`,
  )
  const facts = rows[0]
  if (!facts) throw new MigrationError('The admin role is not in pg_roles')
  return facts
}

/** Also refuses roles that somebody gave the power to step over row level security: policies would protect nothing. */
async function existingRoles(admin: Client, roles: readonly LoginRole[]): Promise<Set<string>> {
  const { rows } = await admin.query<{ name: string; mighty: boolean }>(
    'select rolname as name, rolsuper or rolbypassrls as mighty from pg_roles where rolname = any($1)',
    [roles.map((role) => role.name)],
  )
  const mighty = rows.find((row) => row.mighty)
  if (mighty) throw new MigrationError(`Role ${mighty.name} is a superuser or has BYPASSRLS: take that away from it`)
  return new Set(rows.map((row) => row.name))
}

/** The schema with its grants; the owner decides, so new tables get theirs from its default privileges. */
export async function provisionSchema(admin: Client, service: string): Promise<void> {
  await inTransaction(admin, async () => {
    const schema = quote(service)
    const { rowCount } = await admin.query('select from pg_namespace where nspname = $1', [service])
    if (rowCount === 0) await admin.query(`create schema ${schema} authorization ${quote(roleName(service, 'owner'))}`)
    await admin.query(`set local role ${quote(roleName(service, 'owner'))}; set local search_path = ${schema}; ${grants(service)}`)
    await admin.query(ledger(service))
  })
}

function grants(service: string): string {
  const schema = quote(service)
  const users = usersOf(service)
  return `
    ${grantsOfSchema(service)}
    alter default privileges in schema ${schema} grant select, insert, update, delete on tables to ${users};
    alter default privileges in schema ${schema} grant usage, select on sequences to ${users};
    alter default privileges in schema ${schema} grant execute on functions to ${users};
    alter default privileges in schema ${schema} grant select on tables to ${backupRole};
    alter default privileges in schema ${schema} grant select on sequences to ${backupRole};`
}

function grantsOfSchema(service: string): string {
  const schema = quote(service)
  return `
    revoke all on schema ${schema} from public;
    grant usage on schema ${schema} to ${usersOf(service)}, ${backupRole};
    alter default privileges revoke execute on routines from public;`
}

function usersOf(service: string): string {
  return `${quote(roleName(service, 'runtime'))}, ${quote(roleName(service, 'system'))}`
}

function ledger(service: string): string {
  return `
    create table if not exists schema_migrations (
      source text not null,
      file text not null,
      sha256 text not null,
      applied_at timestamptz not null default now(),
      primary key (source, file)
    );
    revoke insert, update, delete, truncate on schema_migrations
      from ${quote(roleName(service, 'runtime'))}, ${quote(roleName(service, 'system'))};`
}

/**
 * Statements that make the schema of a service anew and empty, inside of a transaction of the admin. Whoever goes on in it is the owner
 * then, so that what is made next belongs to the owner. Tables of a dump bring their own grants and would get those of the default
 * privileges on top, so these come last, from the dump too.
 */
export function renewSchema(service: string): string {
  const schema = quote(service)
  const owner = quote(roleName(service, 'owner'))
  return `
    set role ${owner};
    drop schema if exists ${schema} cascade;
    reset role;
    create schema ${schema} authorization ${owner};
    set role ${owner};
    ${grantsOfSchema(service)}
  `
}

/** Nobody but our roles makes objects in this database. Skipped where the admin may not decide it. */
export async function closeDatabase(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ database: string; databaseOwner: boolean; publicOwner: boolean }>(`
    select current_database() as database,
      pg_has_role((select datdba from pg_database where datname = current_database()), 'USAGE') as "databaseOwner",
      coalesce((select pg_has_role(nspowner, 'USAGE') from pg_namespace where nspname = 'public'), false) as "publicOwner"`)
  const facts = rows[0]
  if (facts?.databaseOwner) await admin.query(`revoke temporary on database ${quote(facts.database)} from public`)
  if (facts?.publicOwner) await admin.query('revoke create on schema public from public')
}

export async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    // A rollback that fails means a lost connection, which the first error tells better.
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/** Another session created or changed the same row of a shared catalog at the same time. */
function isCatalogRace(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  if (error.code === 'XX000') return /^tuple concurrently (updated|deleted)/.test(error.message)
  return error.code === '42710' || error.code === '40P01' || (error.code === '23505' && error.schema === 'pg_catalog')
}

function explain(error: unknown): unknown {
  if (error instanceof DatabaseError && error.code === '42704' && error.message.includes(awsTokenRole))
    return new MigrationError(`Postgres has no role ${awsTokenRole}: switch IAM authentication of the database on`, { cause: error })
  if (!(error instanceof DatabaseError) || error.code !== '42501') return error
  const fix = 'the admin of DATABASE_URL needs CREATEROLE, CREATE on the database and, for roles it did not make, ADMIN OPTION on them'
  return new MigrationError(`Postgres refused to make the roles (${error.message}): ${fix}`, { cause: error })
}

import { roleName } from '@slipway/db'
import { type AnyManifest, variablePrefix } from '@slipway/service'
import type { Target } from '../target.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'
import { databaseOf, isRefusal } from './database.ts'
import { faults } from './faults.ts'

const processRoles = ['runtime', 'system'] as const

/** The roles of a service's processes: whether they can sign in, and that they may do no more than they should. */
export function roleChecks(target: Target, { name }: AnyManifest): Check[] {
  const part = 'postgres'
  return [
    { name: `rights ${name}`, part, run: () => rights(target, name) },
    { name: `sign-in ${name}`, part, run: () => signIn(target, name) },
  ]
}

interface RoleFacts {
  role: string
  exists: boolean
  mighty: boolean
  member: boolean
  owns: string[]
}

const roleFacts = `
  select wanted.role, pg_roles.oid is not null as exists, coalesce(rolsuper or rolbypassrls, false) as mighty,
    coalesce(pg_has_role(pg_roles.oid, (select oid from pg_roles where rolname = $2), 'MEMBER'), false) as member,
    coalesce((select array_agg(relname::text) from pg_class where relowner = pg_roles.oid and relnamespace = to_regnamespace($3)
      and relkind in ('r', 'p')), '{}') as owns
  from unnest($1::text[]) as wanted(role) left join pg_roles on rolname = wanted.role`

/** Processes say in the name of their connection who they should be. */
const strangers = `
  select distinct usename || ' in a connection of "' || application_name || '"' as name from pg_stat_activity
  where application_name = any($1) and usename <> all($2) and datname = current_database()`

async function rights(target: Target, service: string): Promise<Outcome> {
  await using admin = databaseOf(target)
  const names = processRoles.map((role) => roleName(service, role))
  const owner = roleName(service, 'owner')
  const { rows } = await admin.pool.query<RoleFacts>(roleFacts, [names, owner, service])
  const applications = processRoles.map((role) => `slipway ${service} ${role}`)
  const others = await admin.pool.query<{ name: string }>(strangers, [applications, names])
  for (const row of rows) {
    const found = faultOf(row, { owner, service })
    if (found) return found
  }
  if (others.rows.length > 0) return fault('role.owner', `signed in is ${others.rows.map(({ name }) => name).join(', ')}`, stranger)
  return well('processes are neither owner nor superuser')
}

const stranger = { fix: 'let processes sign in as their own roles: see who else has their connections (a pooler with a user of its own?)' }

function faultOf(
  { role, exists, mighty, member, owns }: RoleFacts,
  { owner, service }: { owner: string; service: string },
): Outcome | null {
  if (!exists) return fault('role.missing', `there is no role ${role}`)
  if (mighty) {
    const fix = `run \`alter role ${role} nosuperuser nobypassrls\``
    return fault('role.superuser', `${role} is a superuser or has BYPASSRLS`, { fix })
  }
  if (member) return fault('role.owner', `${role} is a member of ${owner}`, { fix: `run \`revoke ${owner} from ${role}\`` })
  if (owns.length === 0) return null
  const fix = `run ${owns.map((table) => `\`alter table ${service}.${table} owner to ${owner}\``).join(', ')}`
  return fault('role.owner', `${role} owns ${owns.join(', ')}`, { fix })
}

async function signIn(target: Target, service: string): Promise<Outcome> {
  const passwords = target.passwords(service)
  for (const role of processRoles) {
    const user = roleName(service, role)
    await using database = databaseOf(target, { user, password: passwords[role] })
    try {
      await database.pool.query('select 1')
    } catch (error) {
      if (!isRefusal(error)) throw error
      const fix = faults['role.password'].fix.replaceAll('FILES_', `${variablePrefix(service)}_`)
      return fault('role.password', (error as Error).message, { fix })
    }
  }
  return well('both roles can sign in')
}

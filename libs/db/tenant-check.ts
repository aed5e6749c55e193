import { Client, type ClientBase, type Pool } from 'pg'
import { roleName } from './role.ts'
import { clientConfig, type Tls } from './settings.ts'

export interface TenantTableOptions {
  /** Tables that rightly have no `tenant_id`, or whose rows no single tenant owns. */
  withoutTenant?: readonly string[] | undefined
  tls?: Tls | undefined
}

interface TableFacts {
  name: string
  tenant: boolean
  forced: boolean
  indexed: boolean
  policies: { name: string; roles: string[]; using: string | null; check: string | null }[]
}

const tableFacts = `
  select c.relname as name,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as tenant,
    c.relrowsecurity and c.relforcerowsecurity as forced,
    exists (select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
      where i.indrelid = c.oid and i.indpred is null and a.attname = 'tenant_id') as indexed,
    coalesce((select json_agg(json_build_object('name', p.policyname, 'roles', p.roles, 'using', p.qual, 'check', p.with_check))
      from pg_policies p where p.schemaname = $1 and p.tablename = c.relname), '[]') as policies
  from pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations' order by 1`

const openViews = `
  select c.relname as name from pg_class c where c.relnamespace = to_regnamespace($1) and (c.relkind = 'm'
    or c.relkind = 'v' and not coalesce(c.reloptions::text[] && array['security_invoker=true', 'security_invoker=on'], false))`

const definers = `
  select p.proname as name from pg_proc p
  where p.pronamespace = to_regnamespace($1) and p.prosecdef and has_function_privilege($2, p.oid, 'EXECUTE')`

/**
 * Proves of one schema that a tenant cannot reach past its rows: every table has a `tenant_id` with an index that begins with it, forced
 * row level security and exactly the policies of `tenant_table()`; no view and no function lends the runtime role the owner's eyes.
 * Throws one error with all faults; returns the names of the tables it checked.
 */
export async function assertTenantTables(adminUrl: string, schema: string, options: TenantTableOptions = {}): Promise<string[]> {
  const client = new Client(clientConfig({ url: adminUrl, tls: options.tls, name: 'slipway check' }))
  await client.connect()
  try {
    const all = (await client.query<TableFacts>(tableFacts, [schema])).rows.map(({ name }) => name)
    const checked = all.filter((name) => !options.withoutTenant?.includes(name))
    const faults = [...(all.length === 0 ? [`schema ${schema} has no tables`] : []), ...(await tenantFaults(client, schema, checked))]
    if (faults.length > 0) throw new Error(`Tenants are not kept apart in schema ${schema}:\n${faults.join('\n')}`)
    return checked
  } finally {
    await client.end()
  }
}

/** What lets a tenant see the rows of others in these tables of a schema, or past its views and functions; none when it is well. */
export async function tenantFaults(client: Pick<ClientBase, 'query'> | Pool, schema: string, tables: readonly string[]): Promise<string[]> {
  const facts = (await client.query<TableFacts>(tableFacts, [schema])).rows
  const views = (await client.query<{ name: string }>(openViews, [schema])).rows
  const functions = (await client.query<{ name: string }>(definers, [schema, roleName(schema, 'runtime')])).rows
  return [
    ...facts.filter(({ name }) => tables.includes(name)).flatMap((table) => tableFaults(table, schema)),
    ...views.map(({ name }) => `view ${name} reads as its owner, who sees all tenants: make it with (security_invoker = true)`),
    ...functions.map(({ name }) => `function ${name} is SECURITY DEFINER and open to the runtime role`),
  ]
}

function tableFaults(table: TableFacts, schema: string): string[] {
  const { name, tenant, forced, indexed } = table
  if (!tenant) return [`table ${name} has no tenant_id`]
  return [
    ...(forced ? [] : [`table ${name} does not FORCE row level security: call tenant_table('${name}')`]),
    ...(indexed ? [] : [`table ${name} has no index that begins with tenant_id`]),
    ...policyFaults(table, schema),
  ]
}

function policyFaults({ name, policies }: TableFacts, schema: string): string[] {
  const wide = [roleName(schema, 'system'), roleName(schema, 'owner'), 'slipway_backup']
  const forRuntime = policies.filter((policy) => policy.roles.some((role) => !wide.includes(role)))
  const loose = forRuntime.filter((policy) => !comparesTenant(policy.using) || !comparesTenant(policy.check))
  return [
    ...(forRuntime.length > 0 ? [] : [`table ${name} has no policy for the runtime role`]),
    ...loose.map((policy) => `policy ${policy.name} of table ${name} does not compare tenant_id for reading and writing`),
    ...wide
      .filter((role) => !policies.some((policy) => policy.roles.includes(role)))
      .map((role) => `table ${name} has no policy for ${role}`),
  ]
}

/** As Postgres prints the condition of `tenant_table()`; with a sub-select where the migrations before 0002 made it. */
function comparesTenant(condition: string | null): boolean {
  const setting = String.raw`\(NULLIF\(current_setting\('slipway\.tenant'::text, true\), ''::text\)\)::uuid`
  return new RegExp(`^\\(tenant_id = (${setting}|\\( SELECT ${setting}\\b[^()]*\\))\\)$`).test(condition ?? '')
}

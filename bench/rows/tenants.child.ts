import { connect, type Database, newId, type Transaction } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { answerParent } from '../child.ts'

export interface TenantsSettings {
  readonly databaseUrl: string
  readonly tenants: readonly string[]
}

/** `plain` is a transaction without a tenant, on a table without policies. */
export interface Transactions {
  readonly kind: 'read' | 'write'
  readonly table: 'notes' | 'open_notes' | 'slow_notes'
  readonly plain: boolean
  readonly clients: number
  readonly seconds: number
}

const pageSize = 20
const opened: { database?: Database; tenants: readonly string[] } = { tenants: [] }

/** Asks for the tenant in its words as well, as all our queries do. */
function read(table: string, tenant: string) {
  return async (tx: Transaction) => {
    const { rows } = await tx.execute(
      sql`select id, body, created_at from ${sql.identifier(table)} where tenant_id = ${tenant} order by id desc limit ${pageSize}`,
    )
    if (rows.length !== pageSize) throw new Error(`${rows.length} rows came from ${table} instead of ${pageSize}`)
  }
}

function write(table: string, tenant: string) {
  return async (tx: Transaction) => {
    const { rowCount } = await tx.execute(
      sql`insert into ${sql.identifier(table)} (tenant_id, id, body) values (${tenant}, ${newId()}, 'a note that was just written')`,
    )
    if (rowCount !== 1) throw new Error(`nothing was written into ${table}`)
  }
}

async function run({ kind, table, plain, clients, seconds }: Transactions): Promise<{ transactions: number; seconds: number }> {
  const { database, tenants } = opened
  if (!database) throw new Error('nothing was opened')
  const began = performance.now()
  let transactions = 0
  const client = async (_: unknown, index: number) => {
    for (let at = index; performance.now() - began < seconds * 1000; at += clients) {
      const tenant = tenants[at % tenants.length] ?? ''
      const work = kind === 'read' ? read(table, tenant) : write(table, tenant)
      await (plain ? database.transaction(work) : database.tenantTransaction(tenant, work))
      transactions++
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { transactions, seconds: (performance.now() - began) / 1000 }
}

answerParent(async (question: TenantsSettings | Transactions) => {
  if ('kind' in question) return run(question)
  opened.database = connect({ url: question.databaseUrl, poolSize: 8 })
  opened.tenants = question.tenants
  return null
})

import { type MigrationSource, migrate, roleName } from '@slipway/db'
import { type PostgresPart, startPostgres } from '@slipway/stack'
import { openHome } from './home.ts'

const service = 'bench'
const passwords = { owner: 'owner', runtime: 'runtime', system: 'system' }

export interface BenchDatabase {
  readonly part: PostgresPart
  readonly adminUrl: string
  url(role: 'runtime' | 'system'): string
}

/** A durable Postgres with the schema of one service. */
export async function openDatabase(
  stack: AsyncDisposableStack,
  { folder, libraries = [] }: { folder: URL; libraries?: readonly MigrationSource[] },
): Promise<BenchDatabase> {
  const part = stack.use(await startPostgres({ home: await openHome(stack) }))
  const { adminUrl } = part
  await migrate({ adminUrl, services: [{ name: service, folder, passwords }], libraries })
  return {
    part,
    adminUrl,
    url: (role) => Object.assign(new URL(adminUrl), { username: roleName(service, role), password: passwords[role] }).href,
  }
}

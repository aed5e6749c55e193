import { processEnvironment } from '@slipway/config'
import { backupRole } from '@slipway/db'
import { textOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes, Failure } from '../failure.ts'
import { environmentTarget, type TargetDatabase } from '../target.ts'

/** For programs that only know passwords: `PGPASSWORD=$(slipway database-token) pg_dump --username slipway_backup …` */
export const databaseToken: Command = {
  usage: 'database-token [--user NAME]',
  options: { user: { type: 'string' } },
  async run(invocation) {
    const { database } = environmentTarget(processEnvironment())
    console.log(await tokenOf(database, textOption(invocation, 'user') ?? backupRole))
    return exitCodes.ok
  },
}

/** @throws {Failure} where roles have passwords */
export async function tokenOf({ tokens, adminUrl }: TargetDatabase, user: string): Promise<string> {
  if (!tokens)
    throw new Failure('roles of this installation sign in by passwords', { fix: 'set DATABASE_AUTH=aws-iam to sign in by tokens' })
  const { hostname, port } = new URL(adminUrl)
  return await tokens({ host: hostname, port: Number(port || 5432), user })
}

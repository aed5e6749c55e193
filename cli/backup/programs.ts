import { type ServerSettings, withClient } from '@slipway/db'
import { postgresTools } from '@slipway/stack'

/** The folder of pg_dump, pg_restore and psql for this server. */
export async function postgresPrograms(database: ServerSettings): Promise<string> {
  const { rows } = await withClient(database, (client) =>
    client.query<{ major: number }>("select current_setting('server_version_num')::int / 10000 as major"),
  )
  return postgresTools(rows[0]?.major ?? 0)
}

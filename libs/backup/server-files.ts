import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { ServerSettings } from '@slipway/db'
import { clientConfig } from '@slipway/db'

interface ServerFiles {
  readonly database: ServerSettings
  readonly schemas: readonly string[]
  readonly script: 'dump.sh' | 'restore.sh'
}

/**
 * What the programs of Postgres need to work for us, in a folder: they may run in a container that has nothing else of ours. It holds a
 * password, so it has to be private, and should be in memory.
 */
export async function writeServerFiles(folder: string, { database, schemas, script }: ServerFiles): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'pg_service.conf'), await serviceFile(folder, database), { mode: 0o600 })
  await writeFile(join(folder, 'schemas'), schemas.map((schema) => `${schema}\n`).join(''))
  await copyFile(new URL(`./postgres/${script}`, import.meta.url), join(folder, script))
}

/** libpq's own form: nothing in it is read by a shell. */
async function serviceFile(folder: string, database: ServerSettings): Promise<string> {
  const { host, port, user, database: name, password: given } = clientConfig(database)
  // A token instead of a password lives for some minutes: the script that needs it runs next.
  const password = typeof given === 'function' ? await given() : given
  const settings = { host, port, dbname: name, user, password, application_name: database.name ?? 'slipway backup', connect_timeout: 10 }
  const tls = await tlsSettings(folder, database)
  const lines = Object.entries({ ...settings, ...tls }).map(([key, value]) => `${key}=${String(value)}\n`)
  if (lines.some((line) => line.indexOf('\n') !== line.length - 1)) throw new TypeError('a setting of Postgres has a line break')
  return `[slipway]\n${lines.join('')}`
}

/** The same authorities as everywhere else: without a bundle those that Node trusts, as the image of Postgres may know none. */
async function tlsSettings(folder: string, { tls }: ServerSettings): Promise<Record<string, string>> {
  if (tls === undefined || tls.mode === 'disable') return { sslmode: 'disable' }
  if (tls.mode === 'require') return { sslmode: 'require' }
  const bundle = join(folder, 'ca.pem')
  await writeFile(bundle, tls.caFile ? await readFile(tls.caFile) : getCACertificates('default').join('\n'))
  return { sslmode: 'verify-full', sslrootcert: bundle }
}

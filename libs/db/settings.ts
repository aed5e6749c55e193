import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Client, type ClientConfig } from 'pg'
import { type TokenSource, tokenFor } from './token.ts'

export interface Tls {
  mode: 'disable' | 'require' | 'verify-full'
  /** PEM bundle; without it the certificates that Node trusts. */
  caFile?: string | null | undefined
}

export interface ServerSettings {
  /** Host, port and database; also user and password unless `role` says otherwise. */
  url: string
  role?: { user: string; password?: string | undefined } | undefined
  /** Instead of any password. */
  tokens?: TokenSource | undefined
  /** Without it the `sslmode` of the URL counts, and without that the connection is plain. */
  tls?: Tls | undefined
  /** What Postgres shows in `pg_stat_activity`. */
  name?: string | undefined
  connectSeconds?: number | undefined
}

/**
 * The URL is taken apart here because `pg` lets the URL's parameters win over explicit options: an `sslmode` in it would
 * silently undo `verify-full`.
 */
export function clientConfig(settings: ServerSettings): ClientConfig {
  const url = new URL(settings.url)
  const tls = settings.tls ?? tlsOfUrl(url)
  const { tokens } = settings
  const host = url.searchParams.get('host') ?? hostOf(url)
  const port = Number(url.port || 5432)
  const user = settings.role?.user ?? decodeURIComponent(url.username)
  return {
    host,
    port,
    database: decodeURIComponent(url.pathname.slice(1)),
    user,
    password: tokens ? () => tokenFor(tokens, { host, port, user }) : (settings.role?.password ?? decodeURIComponent(url.password)),
    ssl: sslOptions(tls),
    application_name: settings.name ?? 'slipway',
    connectionTimeoutMillis: (settings.connectSeconds ?? 10) * 1000,
    keepAlive: true,
  }
}

/** One connection for a piece of work. */
export async function withClient<T>(settings: ServerSettings, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(clientConfig(settings))
  // A lost connection also rejects the statement that runs; without a listener it would end the process first.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

function tlsOfUrl(url: URL): Tls {
  const mode = url.searchParams.get('sslmode') ?? 'disable'
  const caFile = url.searchParams.get('sslrootcert')
  if (mode === 'disable' || mode === 'require' || mode === 'verify-full') return { mode, caFile }
  throw new Error(`sslmode=${mode} is not supported: use disable, require or verify-full`)
}

function sslOptions({ mode, caFile }: Tls): false | ConnectionOptions {
  if (mode === 'disable') return false
  if (mode === 'require') return { rejectUnauthorized: false }
  return { rejectUnauthorized: true, ...(caFile ? { ca: readFileSync(caFile, 'utf8') } : {}) }
}

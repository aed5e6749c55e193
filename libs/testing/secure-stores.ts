import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createServer } from 'node:tls'
import { freePort, removeHome, startPostgres } from '@slipway/stack'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import type { TestCertificate } from './certificates.ts'
import { testRedis } from './redis.ts'
import { runFolder } from './run-folder.ts'
import { type TestStorageConfig, testStorage } from './storage.ts'

/** A store that speaks TLS. It takes another certificate while it runs, as a store does whose certificate is renewed. */
interface SecureStore extends AsyncDisposable {
  renew(certificate: TestCertificate): Promise<void>
}

export interface SecurePostgres extends SecureStore {
  readonly adminUrl: string
  query(text: string): Promise<Record<string, unknown>[]>
}

/** An own Postgres, empty. It shows a renewed certificate as soon as it has come to reading its settings again. */
export async function securePostgres(certificate: TestCertificate): Promise<SecurePostgres> {
  const home = await runFolder()
  const part = await startPostgres({ home, durable: false })
  const { adminUrl } = part
  const query = (text: string) => asAdmin(adminUrl, text)
  const renew = async ({ cert, key }: TestCertificate) => {
    const folder = String((await query('show data_directory'))[0]?.data_directory)
    await Promise.all([writeOwned(folder, ['server.crt', cert]), writeOwned(folder, ['server.key', key])])
    await query('select pg_reload_conf()')
  }
  await query('alter system set ssl = on')
  await renew(certificate)
  const stop = async () => {
    await part.stop()
    await removeHome(home)
  }
  return { adminUrl, query, renew, [Symbol.asyncDispose]: stop }
}

async function asAdmin(connectionString: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

/** For nobody but the owner of the folder, who is another user than we are when we are root. */
async function writeOwned(folder: string, [name, content]: [name: string, content: string]): Promise<void> {
  const { uid, gid } = await stat(folder)
  await writeFile(join(folder, name), content, { mode: 0o600 })
  await chown(join(folder, name), uid, gid)
}

export interface SecureRedis extends SecureStore {
  /** `rediss://`. */
  readonly url: string
}

/** An own Redis with one more port. */
export async function secureRedis(certificate: TestCertificate): Promise<SecureRedis> {
  const [server, port, folder] = await Promise.all([testRedis(), freePort(), runFolder()])
  const [certFile, keyFile] = [join(folder, 'redis.crt'), join(folder, 'redis.key')]
  const admin = new Redis(server.url)
  const renew = async ({ cert, key }: TestCertificate) => {
    await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
    const files = ['tls-cert-file', certFile, 'tls-key-file', keyFile, 'tls-ca-cert-file', certFile]
    await admin.call('config', 'set', ...files, 'tls-auth-clients', 'no', 'tls-port', String(port))
  }
  await renew(certificate)
  const url = new URL(server.url.replace('redis:', 'rediss:'))
  url.port = String(port)
  const stop = async () => {
    admin.disconnect()
    await server[Symbol.asyncDispose]()
    await removeHome(folder)
  }
  return { url: url.href, renew, [Symbol.asyncDispose]: stop }
}

export interface SecureStorage extends SecureStore {
  /** Fits `createStorage`, but for the file of the authority. */
  readonly config: TestStorageConfig
}

/**
 * The object store of the run behind a server that ends TLS. Renewing closes its connections and keeps its ticket keys, so that clients
 * may resume sessions of the old certificate: servers do so that read their certificate again.
 */
export async function secureStorage(certificate: TestCertificate): Promise<SecureStorage> {
  const { config } = await testStorage()
  const { hostname, port } = new URL(config.endpoint)
  const ticketKeys = randomBytes(48)
  const sockets = new Set<Socket>()
  const server = createServer({ ...certificate, ticketKeys }, (socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
    // A pipeline there and back has eleven of its own on one socket, none of which leaks.
    socket.setMaxListeners(20)
    pipeline(socket, connect(Number(port), hostname), socket, () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const closeConnections = () => Promise.all([...sockets].map((socket) => once(socket.destroy(), 'close')))
  return {
    config: { ...config, endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}` },
    renew: async (renewed) => {
      server.setSecureContext({ ...renewed, ticketKeys })
      await closeConnections()
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server.close(), 'close')
      await closeConnections()
      await closed
    },
  }
}

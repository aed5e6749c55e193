import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { join, resolve } from 'node:path'
import { serviceCaller } from '@slipway/auth'
import { connect as connectDatabase } from '@slipway/db'
import {
  type ClamdPart,
  eicar,
  ensureBinaries,
  freePorts,
  type PostgresPart,
  type RedisPart,
  startClamd,
  startPostgres,
  startRedis,
  startSeaweed,
} from '@slipway/stack'
import { startCollector, tarGzOf } from '@slipway/testing'
import { Redis } from 'ioredis'
import { type Result, start } from '../command.fixtures.ts'
import { temporaryFolder } from '../folders.fixtures.ts'
import { checkout } from '../home.ts'
import { services } from '../services.ts'
import { ensureAllBuckets, migrateAll } from '../stack/schema.ts'
import { environmentTarget } from '../target.ts'
import type { Finding } from './checks.ts'

export type Variables = Readonly<Record<string, string>>

/** A whole installation of real parts, which tests break one at a time. */
export interface Installation extends AsyncDisposable {
  /** As whoever runs the doctor on it has it. */
  readonly environment: Variables
  readonly secrets: readonly string[]
  readonly certificates: Certificates
  readonly postgres: PostgresPart
  readonly redis: Redis
  readonly redisPort: number
  readonly redisTlsPort: number
  readonly clamdHome: string
  readonly filer: string
  sql(statement: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
}

export interface Certificates {
  readonly folder: string
  /** The authority that signed those of the servers, and one that signed nothing. */
  readonly ca: string
  readonly otherCa: string
  readonly certificate: string
  readonly key: string
}

const mebibyte = 1_048_576
const uploadBytes = 4 * mebibyte

export async function startInstallation(): Promise<Installation> {
  await using stack = new AsyncDisposableStack()
  const home = temporaryFolder()
  const certificates = makeCertificates()
  const { certificate, key } = certificates
  const ssl = { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }
  const [postgres, redisPart, seaweed, clamd, [redisTlsPort = 0]] = await Promise.all([
    startPostgres({ home, durable: false, settings: ssl }),
    startRedis({ home }),
    startSeaweed({ home, durable: false }),
    startClamd({ home, signatures: 'test', maxFileBytes: 2 * uploadBytes, streamMaxBytes: 2 * uploadBytes }),
    freePorts(1),
  ])
  for (const part of [postgres, redisPart, seaweed, clamd]) stack.use(part)
  const { port } = stack.use(await startClamdLike(home, {}))
  const redis = stack.adopt(new Redis(redisPart.url), (client) => client.disconnect())
  await redis.config(
    'SET',
    'tls-cert-file',
    certificate,
    'tls-key-file',
    key,
    'tls-ca-cert-file',
    certificates.ca,
    'tls-auth-clients',
    'no',
  )
  await redis.config('SET', 'tls-port', String(redisTlsPort))
  const collector = stack.use(await startCollector())
  const stores = storeVariables({ postgres, redisPart, clamd: { host: clamd.host, port }, certificates })
  const { endpoint, region, accessKey, secretKey } = seaweed
  const environment = { ...stores, S3_ENDPOINT: endpoint, S3_REGION: region, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey }
  const target = environmentTarget(environment)
  await migrateAll(services, target)
  await ensureAllBuckets(services, target)
  await copyDatabase(postgres)
  const identity = stack.use(await startIdentity(environment))
  const ports = JSON.parse(readFileSync(join(home, 'seaweed', 'ports.json'), 'utf8')) as { filer: number; filerGrpc: number }
  const admin = stack.use(connectDatabase({ url: postgres.adminUrl, name: 'test', poolSize: 1 }))
  const held = stack.move()
  return {
    environment: { ...environment, ...identity.variables, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
    secrets: [postgres.password, redisPart.password, secretKey, ...Object.values(passwords), credential],
    certificates,
    postgres,
    redis,
    redisPort: redisPart.port,
    redisTlsPort,
    clamdHome: home,
    filer: `127.0.0.1:${ports.filer}.${ports.filerGrpc}`,
    sql: async (statement, values = []) => (await admin.pool.query<Record<string, unknown>>(statement, [...values])).rows,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** That of another release, as far as the doctor sees it. Made while nobody is connected to the first. */
async function copyDatabase({ adminUrl }: PostgresPart): Promise<void> {
  const url = new URL(adminUrl)
  url.pathname = '/postgres'
  await using admin = connectDatabase({ url: url.href, name: 'test', poolSize: 1 })
  await admin.pool.query('create database slipway_copy template slipway')
}

const roles = services.flatMap(({ name }) => ['RUNTIME', 'SYSTEM'].map((role) => `${name.toUpperCase()}_DB_${role}_PASSWORD`))
const passwords = Object.fromEntries([...roles, 'DATABASE_BACKUP_PASSWORD'].map((name) => [name, `password-of-${name.toLowerCase()}`]))
const credential = 'cli.credential-of-the-command'

function storeVariables(parts: {
  postgres: PostgresPart
  redisPart: RedisPart
  clamd: Pick<ClamdPart, 'host' | 'port'>
  certificates: Certificates
}): Variables {
  const { postgres, redisPart, clamd, certificates } = parts
  return {
    ...passwords,
    DATABASE_URL: `postgres://127.0.0.1:${postgres.port}/slipway`,
    DATABASE_ADMIN_USER: 'postgres',
    DATABASE_ADMIN_PASSWORD: postgres.password,
    DATABASE_TLS: 'verify-full',
    DATABASE_CA_FILE: certificates.ca,
    REDIS_URL: `redis://127.0.0.1:${redisPart.port}`,
    REDIS_PASSWORD: redisPart.password,
    CLAMAV_HOST: clamd.host,
    CLAMAV_PORT: String(clamd.port),
    CLAMAV_MAX_FILE_BYTES: String(2 * uploadBytes),
    FILES_MAX_BYTES: String(uploadBytes),
    MENU_PHOTO_BYTES: String(uploadBytes),
  }
}

interface Identity extends AsyncDisposable {
  readonly variables: Variables
}

/** The API of identity as a process; its public listener stands for the edge, which would pass the same paths on. */
async function startIdentity(stores: Variables): Promise<Identity> {
  const [open = 0, internal = 0] = await freePorts(2)
  const { DATABASE_ADMIN_USER: _user, DATABASE_ADMIN_PASSWORD: _password, ...own } = stores
  const variables = { SLIPWAY_PUBLIC_URL: `http://127.0.0.1:${open}`, SLIPWAY_IDENTITY_URL: `http://127.0.0.1:${internal}` }
  const child = spawn(process.execPath, [join(checkout, 'services', 'identity', 'api.ts')], {
    env: {
      ...Object.fromEntries(Object.entries(own).filter(([name]) => !/^(FILES|MENU)_|^DATABASE_BACKUP/.test(name))),
      ...variables,
      PATH: '/usr/bin:/bin',
      HOME: temporaryFolder(),
      SLIPWAY_ENV: 'test',
      LOG_LEVEL: 'error',
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(open),
      HTTP_INTERNAL_HOST: '127.0.0.1',
      HTTP_INTERNAL_PORT: String(internal),
      SLIPWAY_SERVICE_CREDENTIAL: 'identity.its-own-credential',
      SLIPWAY_SERVICE_CALLERS: [credential, 'identity.its-own-credential'].map(serviceCaller).join(','),
      IDENTITY_SECRET: 'a secret of at least thirty-two characters',
      IDENTITY_ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      SMTP_URL: 'smtp://127.0.0.1:1',
      MAIL_FROM: 'test@example.com',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await answering(child, `http://127.0.0.1:${internal}/health/ready`)
  return {
    variables: { ...variables, SLIPWAY_ENV: 'test', SLIPWAY_SERVICE_CREDENTIAL: credential },
    [Symbol.asyncDispose]: () => ended(child),
  }
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.ok) return
  }
  throw new Error(`it ended with ${child.exitCode} before it answered at ${url}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const end = once(child, 'exit')
  child.kill('SIGKILL')
  await end
}

function makeCertificates(): Certificates {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('sh', ['-c', 'openssl "$@"', 'sh', ...args], { stdio: 'ignore' })
  for (const name of ['ca', 'other']) {
    const subject = ['-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)]
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', ...subject)
  }
  const request = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=server',
    '-keyout',
    at('server.key'),
  ]
  const signed = [
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-days',
    '2',
    '-out',
    at('server.crt'),
  ]
  openssl('req', '-x509', ...request, ...signed)
  // Postgres takes a key of root only when its own group alone may read it; it runs as another user than root.
  chmodSync(at('server.key'), 0o640)
  execFileSync('sh', ['-c', 'chgrp postgres "$1" 2> /dev/null || true', 'sh', at('server.key')])
  return { folder, ca: at('ca.crt'), otherCa: at('other.crt'), certificate: at('server.crt'), key: at('server.key') }
}

/**
 * A database of the day, as far as clamd can tell: it takes number and date from its head. It has no signature of ClamAV's, for which there
 * is a third kind beside those that freshclam brings.
 */
function writeDaily(folder: string, date: Date): void {
  const number = 20_000 + Math.floor(date.getTime() / 86_400_000)
  const head = `ClamAV-VDB:${date.toUTCString().slice(5, 16)} 00-00 +0000:${number}:1:90:X:X:test:${Math.floor(date.getTime() / 1000)}`
  const licence = { name: 'COPYING', content: 'for tests' }
  const signature = { name: 'daily.ndb', content: `Test-Daily:0:0:${'cd'.repeat(32)}\n` }
  const listed = [licence, signature].map(({ name, content }) => `${name}:${content.length}:${hash('sha256', content)}\n`)
  const content = tarGzOf([licence, { name: 'daily.info', content: `${head}\n${listed.join('')}` }, signature])
  writeFileSync(join(folder, 'daily.cud'), Buffer.concat([Buffer.from(head.padEnd(512)), content]))
}

export interface Running extends AsyncDisposable {
  readonly port: number
}

interface ClamdChanges {
  /** Lines of clamd.conf, by the name of the option. */
  readonly config?: Readonly<Record<string, string>>
  /** In hex, at the beginning of a file. */
  readonly signature?: string
  /** Of the official database; null: there is none. */
  readonly builtAt?: Date | null
}

/** Another clamd, with the configuration of the first but for some lines. */
export async function startClamdLike(home: string, changes: ClamdChanges): Promise<Running> {
  const { config = {}, signature = eicar().toString('hex'), builtAt = new Date() } = changes
  const [port = 0] = await freePorts(1)
  const folder = temporaryFolder()
  const file = join(folder, 'clamd', 'clamd.conf')
  const database = join(folder, 'clamd', 'signatures')
  mkdirSync(database, { recursive: true })
  writeFileSync(join(database, 'test.ndb'), `Test-Signature:0:0:${signature}\n`)
  if (builtAt) writeDaily(database, builtAt)
  const lines = Object.entries({ ...config, DatabaseDirectory: database, TCPSocket: String(port) })
  const like = readFileSync(join(home, 'clamd', 'clamd.conf'), 'utf8')
  writeFileSync(
    file,
    lines.reduce((text, [name, value]) => text.replace(new RegExp(`^${name} .*$`, 'm'), `${name} ${value}`), like),
  )
  const { clamd } = await ensureBinaries()
  const child = spawn(clamd, ['--config-file', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  while (child.exitCode === null && !(await takesConnections(port))) continue
  return { port, [Symbol.asyncDispose]: () => ended(child) }
}

/** A Redis that cannot write its files: there is no room on its disk. */
export async function startFullRedis(): Promise<Running> {
  const disk = smallDisk('2m')
  const [port = 0] = await freePorts(1)
  const { redis } = await ensureBinaries()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', disk.path, '--save', '']
  const child = spawn(redis, args, { stdio: 'ignore' })
  while (child.exitCode === null && !(await takesConnections(port))) continue
  const client = new Redis({ port })
  fill(disk.path)
  await client.set('large', 'x'.repeat(mebibyte))
  await client.bgsave()
  while (/rdb_bgsave_in_progress:1/.test(await client.info('persistence'))) continue
  client.disconnect()
  const stop = async () => {
    await ended(child)
    disk[Symbol.dispose]()
  }
  return { port, [Symbol.asyncDispose]: stop }
}

/** The S3 of the same store once more, for identities that may do other things. */
export async function startGateway(filer: string, identity: Readonly<Record<string, unknown>>): Promise<Running> {
  const [port = 0, grpc = 0] = await freePorts(2)
  const folder = temporaryFolder()
  const config = join(folder, 's3.json')
  writeFileSync(config, JSON.stringify({ identities: [identity] }))
  const { weed } = await ensureBinaries()
  const options = { filer, port, 'port.grpc': grpc, 'port.iceberg': 0, 'port.lance': 0, 'ip.bind': '127.0.0.1', config }
  const args = ['s3', ...Object.entries(options).map(([name, value]) => `-${name}=${value}`)]
  const child = spawn(weed, args, { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] })
  while (child.exitCode === null && !(await takesConnections(port))) continue
  return { port, [Symbol.asyncDispose]: () => ended(child) }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/**
 * In front of a store, which then refuses whoever signs for another region than its own, in the words of AWS (Amazon S3 User Guide, "Making
 * requests", and the list of error codes).
 */
export async function startRegional(endpoint: string, region: string): Promise<Running> {
  const server = createServer((request, response) => {
    const signedFor = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
    if (signedFor === region) return passOn(request, response, endpoint)
    request.resume()
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region '${signedFor}' is wrong; expecting '${region}'</Message><Region>${region}</Region><RequestId>1</RequestId></Error>`
    response.writeHead(400, { 'content-type': 'application/xml', 'x-amz-bucket-region': region }).end(body)
  })
  return await listening(server)
}

/** In front of a store, which then finds open uploads by their whole key only, as MinIO does. */
export async function startWithoutUploadLists(endpoint: string): Promise<Running> {
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '/', endpoint).searchParams
    if (request.method !== 'GET' || !asked.has('uploads') || !(asked.get('prefix') ?? '').endsWith('/'))
      return passOn(request, response, endpoint)
    request.resume()
    const body =
      '<?xml version="1.0" encoding="UTF-8"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>'
    response.writeHead(200, { 'content-type': 'application/xml' }).end(body)
  })
  return await listening(server)
}

function passOn(request: IncomingMessage, response: ServerResponse, endpoint: string): void {
  const { hostname, port } = new URL(endpoint)
  const { method, url, headers } = request
  const onward = forward({ hostname, port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  request.pipe(onward)
}

/** Something else on a port: a site. */
export async function startSite(): Promise<Running> {
  return await listening(
    createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>welcome</p>')),
  )
}

/** Takes connections and never says a word. */
export async function startSilence(): Promise<Running> {
  return await listening(createTcpServer(() => undefined))
}

async function listening(server: ReturnType<typeof createServer> | ReturnType<typeof createTcpServer>): Promise<Running> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A disk without room. */
export function fullDisk(): { readonly path: string } & Disposable {
  const path = smallDisk('1m')
  fill(path.path)
  return path
}

export function smallDisk(size: string): { readonly path: string } & Disposable {
  const path = resolve(temporaryFolder(), 'disk')
  mkdirSync(path)
  execFileSync('sh', ['-c', 'mount -t tmpfs -o "size=$2,mode=1777" none "$1"', 'sh', path, size])
  return { path, [Symbol.dispose]: () => void execFileSync('sh', ['-c', 'umount -l "$1"', 'sh', path]) }
}

export function fill(disk: string): void {
  execFileSync('sh', ['-c', 'cat /dev/zero > "$1/filling" 2> /dev/null || true', 'sh', disk])
}

/** A module that has a process live in another time. */
export function timeShift(seconds: number): Variables {
  const file = join(temporaryFolder(), 'shift.mjs')
  writeFileSync(
    file,
    `const now = Date.now.bind(Date)
Date.now = () => now() + ${seconds * 1000}
globalThis.Date = new Proxy(Date, { construct: (target, args, self) => Reflect.construct(target, args.length ? args : [target.now()], self) })`,
  )
  return { NODE_OPTIONS: `--import ${file}` }
}

export interface Report extends Result {
  readonly findings: readonly Finding[]
}

/** What is compiled once is not compiled again by the next. */
const compiled = temporaryFolder()

/** The doctor as a process, as people and pods run it. */
export async function askDoctor(environment: Variables, ...args: string[]): Promise<Report> {
  const result = await start(['doctor', '--json', '--home', join(temporaryFolder(), 'none'), ...args], {
    environment: { NODE_COMPILE_CACHE: compiled, ...environment },
  }).result
  return { ...result, findings: findingsIn(result.output) }
}

function findingsIn(output: string): Finding[] {
  try {
    return (JSON.parse(output) as { findings: Finding[] }).findings
  } catch {
    throw new Error(`that is no JSON: ${output}`)
  }
}

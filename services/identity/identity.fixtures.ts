import { randomBytes } from 'node:crypto'
import { serviceCaller } from '@slipway/auth'
import { type HttpServer, listen } from '@slipway/http'
import { type Api, createApi, createWorker, platformMigrations, type Worker } from '@slipway/service'
import { freePort, type Mail, type MailPart, startMailCatcher } from '@slipway/stack'
import { type TestDatabase, type TestRedis, testDatabase, testEnvironment, testRedis, testStorage } from '@slipway/testing'
import type { IdentityContext } from './context.ts'
import { identity } from './service.ts'

const credential = 'files.0123456789abcdef0123456789abcdef'
const commandCredential = 'cli.fedcba9876543210fedcba9876543210'
/** What the pods of identity have, where people run the command in a cluster. */
const identityCredential = 'identity.00112233445566778899aabbccddeeff'
const shutdownSignal = () => AbortSignal.timeout(10_000)

export interface Answer {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes
  body: any
  headers: Headers
}

export interface Call {
  token?: string | undefined
  body?: unknown
  headers?: Record<string, string>
}

/** Identity as a whole: real stores, real listeners, mail that is caught, and a clock for verifiers that tests move. */
export interface Room extends AsyncDisposable {
  readonly url: string
  readonly internalUrl: string
  readonly clock: ReturnType<typeof offsetClock>
  readonly database: TestDatabase
  readonly redis: TestRedis
  readonly mail: MailPart
  readonly context: IdentityContext
  readonly workerContext: IdentityContext
  readonly worker: Worker
  call(method: string, path: string, call?: Call): Promise<Answer>
  internal(method: string, path: string, call?: Call): Promise<Answer>
  addOperator(email: string, as?: 'cli' | 'identity'): Promise<Answer>
  /** A new person, signed in. */
  person(name?: string): Promise<Person>
  /** The token in the latest mail to an address. */
  linkTo(email: string, kind: string): Promise<string>
}

export interface Person {
  readonly id: string
  readonly email: string
  readonly password: string
  readonly session: string
  /** A fresh access token. */
  token(tenant?: string): Promise<string>
}

export async function openRoom(more: Record<string, string> = {}): Promise<Room> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(
    await testDatabase({ migrations: [{ service: 'identity', folder: identity.migrations }], libraries: platformMigrations }),
  )
  const redis = stack.use(await testRedis())
  const storage = stack.use(await testStorage())
  const mail = stack.use(await startMailCatcher())
  const internalPort = await freePort()
  const internalUrl = `http://127.0.0.1:${internalPort}`
  const environment = testEnvironment({
    services: ['identity'],
    database,
    redis,
    storage,
    more: {
      IDENTITY_SECRET: randomBytes(32).toString('base64'),
      IDENTITY_ENCRYPTION_KEY: `k1:${randomBytes(32).toString('base64')}`,
      IDENTITY_OPEN_SIGN_UP: 'true',
      IDENTITY_VERIFY_EMAIL: 'false',
      SMTP_URL: mail.smtpUrl,
      MAIL_FROM: 'Slipway <no-reply@slipway.test>',
      SLIPWAY_IDENTITY_URL: internalUrl,
      SLIPWAY_SERVICE_CREDENTIAL: credential,
      SLIPWAY_SERVICE_CALLERS: [credential, commandCredential, identityCredential].map(serviceCaller).join(','),
      HTTP_INTERNAL_PORT: String(internalPort),
      ...more,
    },
  })
  const clock = offsetClock()
  const api = await createApi([identity], { environment, now: clock.now })
  stack.defer(() => runAll(api.shutdown([])))
  const worker = await createWorker([identity], { environment })
  stack.defer(() => runAll(worker.shutdown()))
  const open = await listen(api.app, { host: '127.0.0.1', port: 0 })
  const internal = await listen(api.internalApp, { host: '127.0.0.1', port: internalPort })
  stack.defer(() => close(open, internal))
  const owned = stack.move()
  return {
    ...doors(open.url, internalUrl),
    ...contexts(api, worker),
    clock,
    database,
    redis,
    mail,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
    ...people(open.url, mail),
  }
}

/** Real time that can be moved forward: tokens are made with the clock of the database, so the verifier's stands still for moments only. */
function offsetClock() {
  let offset = 0
  let held: number | undefined
  const now = () => held ?? Date.now() + offset
  return {
    now,
    advance: (milliseconds: number) => {
      offset += milliseconds
    },
    /** Until it is let go: nothing becomes old enough to be asked for again, however long the machine takes. */
    hold: () => {
      held = now()
    },
    letGo: () => {
      held = undefined
    },
  }
}

function contexts(api: Api, worker: Worker) {
  const of = ({ host }: Api | Worker) => host.services[0]?.context as IdentityContext
  return { context: of(api), workerContext: of(worker), worker }
}

async function runAll(phases: ReturnType<Api['shutdown']>): Promise<void> {
  for (const phase of phases) await phase.run(shutdownSignal())
}

async function close(...servers: HttpServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close(0)))
}

function doors(url: string, internalUrl: string) {
  return {
    url,
    internalUrl,
    call: (method: string, path: string, call: Call = {}) => request(`${url}${path}`, method, call),
    internal: (method: string, path: string, call: Call = {}) =>
      request(`${internalUrl}${path}`, method, { ...call, headers: { authorization: `Service ${credential}`, ...call.headers } }),
    /** As `slipway operator add` asks for it: `internal` is another service. */
    addOperator: (email: string, as: 'cli' | 'identity' = 'cli') =>
      request(`${internalUrl}/internal/v1/operators`, 'POST', {
        body: { email },
        headers: { authorization: `Service ${as === 'cli' ? commandCredential : identityCredential}` },
      }),
  }
}

async function request(url: string, method: string, { token, body, headers = {} }: Call): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json')
  return { status: response.status, body: json ? JSON.parse(text) : text, headers: response.headers }
}

let count = 0

function people(url: string, mail: MailPart) {
  const call = (path: string, given: Call) => request(`${url}${path}`, 'POST', given)
  return {
    person: async (name = 'Person'): Promise<Person> => {
      const email = `${name.toLowerCase()}-${++count}@example.com`
      const password = 'a long enough passphrase'
      const made = await call('/api/v1/auth/sign-up', { body: { email, password, name } })
      if (made.status !== 201) throw new Error(`sign-up answered ${made.status}: ${JSON.stringify(made.body)}`)
      const session: string = made.body.sessionToken
      const token = async (tenant?: string) => {
        const issued = await call('/api/v1/auth/token', { token: session, body: tenant === undefined ? {} : { tenant } })
        if (issued.status !== 200) throw new Error(`token answered ${issued.status}: ${JSON.stringify(issued.body)}`)
        return issued.body.accessToken as string
      }
      return { id: made.body.user.id, email, password, session, token }
    },
    linkTo: async (email: string, kind: string): Promise<string> => {
      const fits = (sent: Mail) => sent.to.includes(email) && sent.text.includes(`kind=${kind}`)
      await mail.waitFor(fits)
      const latest = mail.messages().findLast(fits)
      const token = /[#&]token=([\w-]+)/.exec(latest?.text ?? '')?.[1]
      if (token === undefined) throw new Error(`no link in: ${latest?.text}`)
      return token
    },
  }
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createAuthenticator, identityClient } from './index.ts'
import { audience, claims, issuer, keySetOf, sign, signingKey, tenant } from './issuer.fixtures.ts'

interface Seen {
  method: string | undefined
  url: string | undefined
  authorization: string | undefined
  body: string
}

/** A listener that answers by path; what it was asked is kept. */
async function listener(answer: (path: string) => { status?: number; body: unknown } | 'hang') {
  const seen: Seen[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    seen.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body: await text(request) })
    const found = answer(new URL(request.url ?? '/', 'http://x').pathname)
    if (found !== 'hang') response.writeHead(found.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(found.body))
  }
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { url, seen, [Symbol.asyncDispose]: close }
}

const client = (url: string) => identityClient({ url, credential: 'files.secret', timeoutMilliseconds: 200 })

describe('identityClient', () => {
  it('asks by the internal contract and shows its credential', async () => {
    await using identity = await listener((path) => ({
      body: path.endsWith('/verify') ? { valid: false, reason: 'unknown' } : path.endsWith('/jwks') ? { keys: [] } : { items: [], now: 5 },
    }))
    const source = client(identity.url)
    expect(await source.keySet()).toEqual({ keys: [] })
    expect(await source.revocations(0)).toEqual({ items: [], now: 5 })
    expect(await source.verifyKey('slp_x')).toEqual({ valid: false, reason: 'unknown' })
    const authorization = 'Service files.secret'
    expect(identity.seen).toEqual([
      { method: 'GET', url: '/internal/v1/jwks', authorization, body: '' },
      { method: 'GET', url: '/internal/v1/revocations?since=1970-01-01T00%3A00%3A00.000Z', authorization, body: '' },
      { method: 'POST', url: '/internal/v1/api-keys/verify', authorization, body: '{"key":"slp_x"}' },
    ])
  })

  it.each([
    ['an error', { status: 500, body: {} }],
    ['a refusal of our credential', { status: 401, body: {} }],
    ['an answer of another shape', { body: { items: 'none' } }],
    ['no answer', 'hang' as const],
  ])('calls %s unavailable', async (_name, answer) => {
    await using identity = await listener(() => answer)
    await expect(client(identity.url).revocations(0)).rejects.toMatchObject({ code: 'identity.unavailable', status: 503 })
  })

  it('calls a refused connection unavailable', async () => {
    const gone = await listener(() => 'hang')
    await gone[Symbol.asyncDispose]()
    await expect(client(gone.url).keySet()).rejects.toMatchObject({ code: 'identity.unavailable' })
  })
})

describe('createAuthenticator over HTTP', () => {
  it('verifies tokens and keys with what identity answers', async () => {
    const key = await signingKey('EdDSA')
    const document = await keySetOf(key)
    const now = Date.now()
    const verdict = {
      valid: true,
      id: 'k1',
      name: 'ci',
      tenant,
      role: 'member',
      scopes: ['files:read'],
      createdBy: 'u',
      expiresAt: null,
      verifiedAt: now,
    }
    await using identity = await listener((path) => ({
      body: path.endsWith('/verify') ? verdict : path.endsWith('/jwks') ? document : { items: [], now },
    }))
    await using authenticator = createAuthenticator({ identityUrl: identity.url, serviceCredential: 'files.secret', issuer, audience })
    const send = (credentials: string) => authenticator.authenticate({ headers: { authorization: `Bearer ${credentials}` } })
    expect(await send(await sign(claims(now), key))).toMatchObject({ kind: 'user', id: 'user-1' })
    expect(await send(`slp_0190a000aaaa_${'s'.repeat(43)}`)).toMatchObject({ kind: 'key', id: 'k1' })
  })

  it('verifies tokens of an external issuer by its key set', async () => {
    const key = await signingKey('ES256', 'theirs')
    const document = await keySetOf(key)
    await using provider = await listener(() => ({ body: document }))
    await using identity = await listener(() => ({ body: { items: [], now: Date.now() } }))
    await using authenticator = createAuthenticator({
      identityUrl: identity.url,
      serviceCredential: 'files.secret',
      issuer,
      external: { issuer: 'https://login.example', audience, jwksUrl: `${provider.url}/jwks` },
    })
    const token = await sign(claims(Date.now(), { iss: 'https://login.example', sid: undefined }), key)
    expect(await authenticator.authenticate({ headers: { authorization: `Bearer ${token}` } })).toMatchObject({ id: 'user-1', tenant })
    expect(provider.seen[0]?.authorization).toBeUndefined()
  })

  it('lets nobody in while identity is away', async () => {
    const gone = await listener(() => 'hang')
    await gone[Symbol.asyncDispose]()
    await using authenticator = createAuthenticator({ identityUrl: gone.url, serviceCredential: 'files.secret', issuer })
    const token = await sign(claims(Date.now()), await signingKey('EdDSA'))
    await expect(authenticator.authenticate({ headers: { authorization: `Bearer ${token}` } })).rejects.toMatchObject({
      code: 'identity.unavailable',
    })
  })
})

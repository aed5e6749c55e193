import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTenantDirectory } from './tenant-directory.ts'

const acme = { id: '018f0000-0000-7000-8000-00000000000a', slug: 'acme', name: 'Acme' }

/** Stands for the internal listener of identity. */
let asked: { path: string; authorization: string | undefined }[]
let answer: { status: number; body: unknown }
const server = createServer(({ url = '', headers }, response) => {
  asked.push({ path: url, authorization: headers.authorization })
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
})
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void server.close())
beforeEach(() => {
  asked = []
  answer = { status: 200, body: acme }
})

const directory = (options: { now?: () => number; limit?: number } = {}) =>
  createTenantDirectory({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, credential: 'menu.secret', ...options })

describe('the directory of tenants', () => {
  it('asks identity as the service, and no more than once for half a minute', async () => {
    let now = 1_000_000
    const tenants = directory({ now: () => now })
    expect(await tenants.find('acme')).toEqual(acme)
    now += 29_999
    expect(await tenants.find('acme')).toEqual(acme)
    expect(asked).toEqual([{ path: '/internal/v1/tenants/acme', authorization: 'Service menu.secret' }])
    now += 1
    answer = { status: 404, body: { code: 'resource.not-found' } }
    expect(await tenants.find('acme')).toBeNull()
    expect(asked).toHaveLength(2)
  })

  it('asks once for all who ask at a time', async () => {
    const tenants = directory()
    await Promise.all([tenants.find('acme'), tenants.find('acme'), tenants.find('acme')])
    expect(asked).toHaveLength(1)
  })

  it('remembers that there is no such tenant, and does not ask for what can be none', async () => {
    const tenants = directory()
    answer = { status: 404, body: { code: 'resource.not-found' } }
    expect([await tenants.find('nobody'), await tenants.find('nobody')]).toEqual([null, null])
    expect(asked).toHaveLength(1)
    for (const slug of ['A', '../acme', 'a b', 'xn--acme', 'a'.repeat(64)]) expect(await tenants.find(slug)).toBeNull()
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['fails', 500, {}],
    ['refuses us', 401, { code: 'auth.invalid' }],
    ['has no such route', 404, { code: 'route.not-found' }],
    ['answers something else', 200, { id: 'x' }],
  ])('says that identity is not to be had when it %s, and asks again the next time', async (_, status, body) => {
    const tenants = directory()
    answer = { status, body }
    await expect(tenants.find('acme')).rejects.toMatchObject({ code: 'identity.unavailable' })
    answer = { status: 200, body: acme }
    expect(await tenants.find('acme')).toEqual(acme)
  })

  it('forgets what was asked for longest ago when strangers ask for too many', async () => {
    const tenants = directory({ limit: 2 })
    for (const slug of ['acme', 'acme1', 'acme2', 'acme']) await tenants.find(slug)
    expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual(['acme', 'acme1', 'acme2', 'acme'])
  })
})

import { expect, test } from 'vitest'
import { call, expectProblem, expectStatus, here, unique } from './client.ts'

test.each(['/api/v1/nothing', '/api/v2/files', '/api', '/nowhere', '/assets/none.js'])('%s is a problem', async (path) => {
  await expectProblem(call('GET', path, { as: null }), 404, 'route.not-found')
})

test.each(['/internal/v1/jwks', '/internal/v1/revocations', '/api/v1/files/..%2f..%2f..%2finternal/v1/jwks', '//internal/v1/jwks'])(
  'no way leads to the internal listeners: %s',
  async (path) => {
    await expectProblem(fetch(`${here.url}${path}`), 404, 'route.not-found')
  },
)

test.each(['/', '/files', '/menu/any/where', '/m/demo'])('%s is the console, with its policy, asked for anew each time', async (path) => {
  const answer = await call('GET', path, { as: null })
  expect(await expectStatus<string>(answer.clone(), 200).catch(() => answer.text())).toContain('<div id="root">')
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toContain('unsafe-inline')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
})

test('what the console is made of stays for a year, and comes compressed', async () => {
  const page = await (await call('GET', '/', { as: null })).text()
  const assets = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '')
  expect(assets.length).toBeGreaterThan(1)
  for (const asset of assets) {
    const answer = await call('GET', asset, { as: null, headers: { 'accept-encoding': 'gzip' } })
    expect((await answer.text()).length).toBeGreaterThan(0)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(answer.headers.get('vary')?.toLowerCase()).toBe('accept-encoding')
    expect(answer.headers.get('content-encoding')).toBe('gzip')
  }
})

test('an answer that says where to change it is not touched: its ETag stays strong', async () => {
  const body = new FormData()
  body.append('file', new File(['x'.repeat(10_000)], unique('edge.txt')))
  const { id } = await expectStatus<{ id: string }>(call('POST', '/api/v1/files', { body }), 201)
  const answer = await call('GET', `/api/v1/files/${id}`, { headers: { 'accept-encoding': 'gzip' } })
  expect(answer.headers.get('etag')).toMatch(/^"/)
})

interface Audit {
  items: { action: string; subject: { id: string }; from?: { ip?: string } }[]
}

test('what a client says about where it comes from is not believed', async () => {
  const forged = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', forwarded: 'for=203.0.113.9' }
  const { id } = await expectStatus<{ id: string }>(
    call('POST', '/api/v1/folders', { json: { name: unique('edge') }, headers: forged }),
    201,
  )
  const { items } = await expectStatus<Audit>(call('GET', '/api/v1/files/audit?limit=100'), 200)
  const entry = items.find(({ subject }) => subject.id === id)
  expect(JSON.stringify(entry)).toContain('"ip"')
  expect(JSON.stringify(entry)).not.toContain('203.0.113.9')
})

test('the public menu has a short name, where the edge gives it one', async ({ skip }) => {
  const short = await call('GET', `/storage/menu?tenant=${here.tenant}`, { as: null })
  skip(short.status === 404, 'this edge has no /storage')
  const whole = await call('GET', `/api/v1/public/menu?tenant=${here.tenant}`, { as: null })
  expect(short.status).toBe(whole.status)
  expect(await short.json()).toEqual(await whole.json())
})

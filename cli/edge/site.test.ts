import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { siteServer } from './site.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

async function serve({ built = true } = {}): Promise<{ url: string; folder: string; port: number }> {
  const folder = temporaryFolder()
  if (built) {
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'index.html'), '<!doctype html><p>page')
    writeFileSync(join(folder, 'assets', 'a-1.js'), 'export {}')
    writeFileSync(join(folder, 'policy.txt'), 'secret?')
  }
  const site = siteServer({
    folder,
    isPage: (path) => path === '/' || path.startsWith('/files'),
    pageHeaders: () => ({ 'content-security-policy': "default-src 'none'", 'cache-control': 'no-cache' }),
    assetCacheControl: 'public, max-age=31536000, immutable',
  })
  const server = createServer((request, response) => {
    if (!site(request, response, request.url ?? '')) response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, folder, port }
}

test('a page is answered at every address of the console, with its policy, and asked for anew each time', async () => {
  const { url, folder } = await serve()
  const answer = await fetch(`${url}/files/deep/link`)
  expect(await answer.text()).toContain('page')
  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'")
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  const again = await fetch(`${url}/`, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })
  expect(again.status).toBe(304)
  writeFileSync(join(folder, 'index.html'), 'rebuilt')
  expect(await (await fetch(`${url}/`)).text()).toBe('rebuilt')
})

test('an asset is kept for good, and comes in gzip to who takes it', async () => {
  const { url } = await serve()
  const answer = await fetch(`${url}/assets/a-1.js`)
  expect(answer.headers.get('cache-control')).toContain('immutable')
  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  expect(await answer.text()).toBe('export {}')
})

test.each(['/assets/none.js', '/policy.txt', '/assets/', '/assets/../policy.txt', '/assets/..%2fpolicy.txt', '/nowhere'])(
  '%s is none of it',
  async (path) => {
    const { port } = await serve()
    const request = httpRequest({ host: '127.0.0.1', port, path })
    request.end()
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    answer.resume()
    expect(answer.statusCode).toBe(404)
  },
)

test('what is not built yet is told, with when to ask again', async () => {
  const { url } = await serve({ built: false })
  const answer = await fetch(`${url}/`)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
})

test('only reading is answered', async () => {
  const { url } = await serve()
  expect((await fetch(`${url}/`, { method: 'POST' })).status).toBe(404)
  expect(await (await fetch(`${url}/`, { method: 'HEAD' })).text()).toBe('')
})

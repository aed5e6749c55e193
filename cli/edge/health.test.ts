import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort } from '@slipway/stack'
import { afterEach, expect, test } from 'vitest'
import { edgeHealth } from './health.ts'

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

async function serve(handler: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(handler)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function api(status: number, body: unknown): Promise<number> {
  return serve((_request, response) => response.writeHead(status).end(JSON.stringify(body)))
}

async function edgeOver(ports: readonly number[]): Promise<string> {
  const health = edgeHealth(ports.map((port, index) => ({ name: `API ${index}`, port })))
  const port = await serve((request, response) => {
    if (!health(request.url ?? '', response)) response.writeHead(404).end()
  })
  return `http://127.0.0.1:${port}`
}

const well = { status: 'ok', checks: { database: { status: 'ok' } } }
const restricted = { status: 'degraded', checks: { signatures: { status: 'degraded' } } }

test('is well when all are, and has the checks of all', async () => {
  const url = await edgeOver([await api(200, well), await api(200, { status: 'ok', checks: { storage: { status: 'ok' } } })])
  expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({
    status: 'ok',
    checks: { database: { status: 'ok' }, storage: { status: 'ok' } },
  })
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' })
})

test('is degraded when one is', async () => {
  const url = await edgeOver([await api(200, well), await api(200, restricted)])
  expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'degraded' })
})

test('is what the one that is not ready says', async () => {
  const url = await edgeOver([await api(200, well), await api(503, { code: 'scanner.no-signatures', status: 503 })])
  const answer = await fetch(`${url}/health/ready`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'application/problem+json'])
  expect(await answer.json()).toMatchObject({ code: 'scanner.no-signatures' })
  expect((await fetch(`${url}/health`)).status).toBe(503)
})

test('is not ready when one does not answer, but alive', async () => {
  const url = await edgeOver([await freePort()])
  expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ code: 'service.not-ready', detail: 'API 0 does not answer' })
  expect((await fetch(`${url}/health/live`)).status).toBe(200)
})

test.each(['null', '"ok"', '[]', '<html>', ''])('an API that answers %j does not bring the edge down', async (text) => {
  const port = await serve((_request, response) => response.writeHead(200).end(text))
  const url = await edgeOver([port, await api(200, well)])
  const isJson = text !== '' && text !== '<html>'
  expect((await fetch(`${url}/health/ready`)).status).toBe(isJson ? 200 : 503)
  expect((await fetch(`${url}/health/live`)).status).toBe(200)
})

test('leaves other paths alone', async () => {
  expect((await fetch(`${await edgeOver([])}/healthy`)).status).toBe(404)
})

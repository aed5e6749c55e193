import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { claimPorts, isPortFree } from './ports.ts'

test('claimed ports differ, can be bound and lie below those of outgoing connections', async () => {
  const ports = await claimPorts(20)
  expect(new Set(ports).size).toBe(20)
  for (const port of ports) expect(port).toBeLessThan(32_768)
})

test('a port that somebody listens on is not free', async () => {
  const server = createServer()
  const [port = 0] = await claimPorts(1)
  await new Promise<void>((resolve) => server.listen({ port, host: '127.0.0.1' }, resolve))
  expect(await isPortFree(port)).toBe(false)
  await new Promise((resolve) => server.close(resolve))
  expect(await isPortFree(port)).toBe(true)
})

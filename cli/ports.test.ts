import { createServer } from 'node:net'
import { freePort } from '@slipway/stack'
import { expect, test } from 'vitest'
import { isPortFree } from './ports.ts'

test('a port that somebody listens on is not free', async () => {
  const server = createServer()
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen({ port, host: '127.0.0.1' }, resolve))
  expect(await isPortFree(port)).toBe(false)
  await new Promise((resolve) => server.close(resolve))
  expect(await isPortFree(port)).toBe(true)
})

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { testScanner } from '@slipway/testing'
import { expect, test } from 'vitest'
import { streamLimit } from './index.ts'

test('the limit of a clamd is found to the byte, without sending it', async () => {
  const { host, port, maxFileBytes } = testScanner()
  // StreamMaxLength of the tests' clamd is its MaxFileSize.
  expect(await streamLimit({ host, port })).toBe(maxFileBytes)
})

test('nobody at the address is no limit but a failure', async () => {
  await expect(streamLimit({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({ code: 'scanner.unavailable' })
})

test('a limit above what a frame can say is as much as it can say', async () => {
  const generous = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
    socket.on('error', () => undefined)
  })
  await once(generous.listen(0, '127.0.0.1'), 'listening')
  expect(await streamLimit({ host: '127.0.0.1', port: (generous.address() as AddressInfo).port })).toBe(0xff_ff_ff_ff)
  await new Promise((resolve) => generous.close(resolve))
})

import type { TLSSocket } from 'node:tls'
import { type SecureStorage, secureStorage, type TestAuthority, testAuthority, testStorage } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createStorage } from './index.ts'

let authority: TestAuthority
let store: SecureStorage
beforeAll(async () => {
  authority = await testAuthority()
  store = await secureStorage(await authority.issue({ days: 2 }))
})
afterAll(async () => {
  await store?.[Symbol.asyncDispose]()
  await authority?.[Symbol.asyncDispose]()
})

let sockets: TLSSocket[]
beforeEach(() => {
  sockets = []
  serials = []
})
/** A socket that is closed tells nothing any more. */
let serials: (string | undefined)[]
const onSecure = (socket: TLSSocket) => {
  sockets.push(socket)
  serials.push(socket.getPeerX509Certificate()?.serialNumber)
}

it('tells of each new connection over TLS once, whatever goes over it', async () => {
  await using storage = createStorage({ ...store.config, caFile: authority.caFile, onSecure })
  await storage.ensureBuckets([])
  await storage.ready()
  expect(sockets).not.toEqual([])
  expect(new Set(sockets).size).toBe(sockets.length)
})

it('sees a renewed certificate, although the store would take up sessions of the old one', async () => {
  await using storage = createStorage({ ...store.config, caFile: authority.caFile, onSecure })
  await storage.ensureBuckets([])
  const [old] = serials
  serials = []
  await store.renew(await authority.issue({ days: 2 }))
  await storage.ready()
  expect(serials).not.toEqual([])
  expect(serials).not.toContain(old)
  expect(serials).not.toContain(undefined)
})

it('trusts the authority that it was given and no other, and tells of no connection that it does not trust', async () => {
  await using other = await testAuthority()
  await using storage = createStorage({ ...store.config, caFile: other.caFile, onSecure })
  await expect(storage.ready()).rejects.toMatchObject({ code: 'storage.unavailable' })
  expect(sockets).toEqual([])
})

it('has nothing to tell without TLS', async () => {
  const { config } = await testStorage()
  await using storage = createStorage({ ...config, onSecure })
  await storage.ensureBuckets([])
  expect(sockets).toEqual([])
})

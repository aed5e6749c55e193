import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRoom, type Room } from './identity.fixtures.ts'

let room: Room
beforeAll(async () => {
  room = await openRoom()
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const password = 'a long enough passphrase'

describe('sign-up', () => {
  it('makes an account and a session', async () => {
    const made = await room.call('POST', '/api/v1/auth/sign-up', { body: { email: 'Ada@Example.com', password, name: 'Ada' } })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      user: { id: expect.any(String), email: 'ada@example.com', name: 'Ada', emailVerified: false },
      session: { id: expect.any(String), expiresAt: expect.any(String) },
      sessionToken: expect.stringMatching(/^sls_/),
    })
    expect(made.headers.get('set-cookie')).toBeNull()
  })
})

import { Secret } from '@slipway/config'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Auth, createAuth } from './domain/auth.ts'
import { withAuth } from './domain/auth-scope.ts'
import { openRoom, type Room } from './identity.fixtures.ts'

const [first = '', second = '', third = ''] = ['f', 's', 't'].map((letter) => letter.repeat(40))

let room: Room
beforeAll(async () => {
  room = await openRoom({ IDENTITY_SECRET: first })
  await (await room.person('owner')).token()
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

/** Identity as it is after a restart with another IDENTITY_SECRET, on the same database. */
function authWith(secret: string): Auth {
  const { config, publicUrl, system } = room.context
  return createAuth({ config: { ...config, secret: new Secret(secret) }, publicUrl, database: system })
}

/** Signs as a request for a token does; `mint` makes a key of its own for that, as upkeep does before the newest one ends. */
function sign(auth: Auth, { mint = false } = {}): Promise<string> {
  return room.context.system.transaction(async (tx) => {
    const { token } = await withAuth(auth.options, { tx, mintKey: mint }, () =>
      auth.api.signJWT({ body: { payload: { sub: 'somebody' } } }),
    )
    return token
  })
}

/** Beside the newest key, and old enough to sign. */
async function newKey(auth: Auth): Promise<void> {
  await room.context.system.transaction((tx) => tx.execute(sql`update jwks set created_at = created_at - interval '1 day'`))
  await sign(auth, { mint: true })
  await room.context.system.transaction((tx) => tx.execute(sql`update jwks set created_at = created_at - interval '1 hour'`))
}

const signs = (secret: string) =>
  sign(authWith(secret)).then(
    () => 'signs',
    () => 'cannot',
  )

it('goes on with the keys of before when a secret is put in front, and not without the old one', async () => {
  expect(await signs(first)).toBe('signs')
  expect(await signs(`2:${second},${first}`)).toBe('signs')
  expect(await signs(`2:${second}`)).toBe('cannot')
  expect(await signs(second)).toBe('cannot')
})

it('encrypts new keys with the first secret, so that the old one may go when the keys of its time have', async () => {
  await newKey(authWith(`2:${second},${first}`))
  expect(await signs(`2:${second}`)).toBe('signs')
  expect(await signs(`3:${third},2:${second},${first}`)).toBe('signs')
  expect(await signs(first)).toBe('cannot')
  await newKey(authWith(`3:${third},2:${second},${first}`))
  expect(await signs(`3:${third}`)).toBe('signs')
  expect(await signs(`2:${second}`)).toBe('cannot')
})

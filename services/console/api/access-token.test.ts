import { describe, expect, test } from 'vitest'
import { createAccessToken } from './access-token.ts'
import type { Api } from './client.ts'

/** Identity as far as tokens go; each question is answered when the test says so. */
function identity() {
  const asked: { readonly tenant: string; readonly answer: () => void }[] = []
  const call = (_key: string, { body }: { body: { tenant: string } }) =>
    new Promise((resolve) => {
      const issued = { accessToken: `for ${body.tenant} ${asked.length}`, expiresIn: 600, tenant: { id: `id of ${body.tenant}` } }
      asked.push({ tenant: body.tenant, answer: () => resolve(issued) })
    })
  return { asked, api: { call } as unknown as Api }
}

describe('the access token', () => {
  test('is bought once, however many ask', async () => {
    const { asked, api } = identity()
    const token = createAccessToken(api)
    const both = Promise.all([token.renew(), token.renew()])
    asked[0]?.answer()
    expect(await both).toEqual(['for undefined 0', 'for undefined 0'])
    expect(asked).toHaveLength(1)
  })

  test('of a tenant that was left does not come back with a late renewal', async () => {
    const { asked, api } = identity()
    const token = createAccessToken(api)
    const first = token.issue({ tenant: 'a' })
    asked[0]?.answer()
    await first
    const late = token.renew()
    const entering = token.issue({ tenant: 'b' })
    asked[2]?.answer()
    await entering
    asked[1]?.answer()
    await late
    expect(token.held()).toMatchObject({ text: 'for b 2', tenantId: 'id of b' })
  })

  test('does not come back after it was dropped', async () => {
    const { asked, api } = identity()
    const token = createAccessToken(api)
    const late = token.issue({ tenant: 'a' })
    token.drop()
    asked[0]?.answer()
    await late
    expect(token.held()).toBeNull()
  })

  test('is fresh until a minute before its end', async () => {
    const { asked, api } = identity()
    let now = 0
    const token = createAccessToken(api, () => now)
    const issued = token.issue({ tenant: 'a' })
    asked[0]?.answer()
    await issued
    now = 539_999
    expect(token.isFresh()).toBe(true)
    now = 540_000
    expect(token.isFresh()).toBe(false)
  })
})

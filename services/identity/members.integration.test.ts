import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'

type Role = 'owner' | 'admin' | 'member' | 'viewer'

let room: Room
let owner: Person
let slug: string
let count = 0
beforeAll(async () => {
  room = await openRoom({ IDENTITY_ATTEMPTS_PER_ACCOUNT: '100' })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  owner = await room.person('owner')
  slug = `tenant-${++count}`
  await room.call('POST', '/api/v1/tenants', { token: await owner.token(), body: { slug, name: 'Tenant' } })
})

const code = ({ status, body }: Answer) => `${status} ${body?.code}`
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows

async function join(role: Role): Promise<Person> {
  const person = await room.person(role)
  await invite(owner, person.email, role)
  expect(await accept(person)).toMatchObject({ status: 200, body: { tenant: { slug }, role } })
  return person
}

async function invite(by: Person, email: string, role: Role): Promise<Answer> {
  return room.call('POST', '/api/v1/invitations', { token: await by.token(slug), body: { email, role } })
}

async function accept(person: Person, token?: string): Promise<Answer> {
  const body = { token: token ?? (await room.linkTo(person.email, 'invitation')) }
  return room.call('POST', '/api/v1/invitations/accept', { token: await person.token(), body })
}

async function setRole(by: Person, whom: Person, role: Role): Promise<Answer> {
  return room.call('PATCH', `/api/v1/members/${whom.id}`, { token: await by.token(slug), body: { role } })
}

async function remove(by: Person, whom: Person): Promise<Answer> {
  return room.call('DELETE', `/api/v1/members/${whom.id}`, { token: await by.token(slug) })
}

describe('changing roles', () => {
  it('goes by rank', async () => {
    const [admin, second, member] = [await join('admin'), await join('admin'), await join('member')]
    expect((await setRole(admin, member, 'viewer')).body.role).toBe('viewer')
    expect((await setRole(admin, member, 'admin')).body.role).toBe('admin')
    expect((await setRole(admin, second, 'member')).body.role).toBe('member')
    expect(code(await setRole(admin, member, 'owner'))).toBe('403 auth.forbidden')
    expect(code(await setRole(admin, owner, 'member'))).toBe('403 auth.forbidden')
    expect(code(await setRole(admin, admin, 'owner'))).toBe('403 auth.forbidden')
    expect((await setRole(owner, member, 'owner')).body.role).toBe('owner')
  })

  it('ends what old tokens could do within 5 s', async () => {
    const admin = await join('admin')
    const token = await admin.token(slug)
    const keys = () => room.call('GET', '/api/v1/api-keys', { token })
    expect((await keys()).status).toBe(200)
    await setRole(owner, admin, 'viewer')
    room.clock.advance(4_500)
    expect(code(await keys())).toBe('401 auth.revoked')
    expect(code(await room.call('GET', '/api/v1/api-keys', { token: await admin.token(slug) }))).toBe('403 auth.forbidden')
  })

  it('goes by what the actor is now, not by what the token says', async () => {
    const [admin, member] = [await join('admin'), await join('member')]
    const stale = await admin.token(slug)
    await setRole(owner, admin, 'viewer')
    const answer = await room.call('PATCH', `/api/v1/members/${member.id}`, { token: stale, body: { role: 'admin' } })
    expect(['401 auth.revoked', '403 auth.forbidden']).toContain(code(answer))
  })

  it('is recorded with before and after', async () => {
    const member = await join('member')
    await setRole(owner, member, 'admin')
    const trail = await room.call('GET', '/api/v1/audit?action=member.role-changed', { token: await owner.token(slug) })
    expect(trail.body.items).toMatchObject([{ subject: { id: member.id }, before: { role: 'member' }, after: { role: 'admin' } }])
  })

  it('does not reach into other tenants', async () => {
    const stranger = await room.person('stranger')
    expect(code(await setRole(owner, stranger, 'viewer'))).toBe('404 resource.not-found')
    expect(code(await remove(owner, stranger))).toBe('404 resource.not-found')
  })
})

describe('the last owner', () => {
  it('stays', async () => {
    expect(code(await setRole(owner, owner, 'admin'))).toBe('409 tenant.last-owner')
    expect(code(await remove(owner, owner))).toBe('409 tenant.last-owner')
  })

  it('may go when there is another one', async () => {
    const second = await join('owner')
    expect((await remove(owner, owner)).status).toBe(204)
    expect(code(await setRole(second, second, 'viewer'))).toBe('409 tenant.last-owner')
  })

  it.each(['demote', 'remove'] as const)('stays when two owners %s each other at the same time', async (what) => {
    for (let round = 0; round < 3; round++) {
      const second = await join('owner')
      const [first, other] = [await owner.token(slug), await second.token(slug)]
      const against = (token: string, whom: Person) =>
        what === 'demote'
          ? room.call('PATCH', `/api/v1/members/${whom.id}`, { token, body: { role: 'viewer' } })
          : room.call('DELETE', `/api/v1/members/${whom.id}`, { token })
      const answers = await Promise.all([against(first, second), against(other, owner)])
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
      expect(
        await rows(
          sql`select count(*)::int as n from member join organization o on o.id = tenant_id where slug = ${slug} and role = 'owner'`,
        ),
      ).toEqual([{ n: 1 }])
      if ((answers[1]?.status ?? 0) < 300) owner = second
      await rows(sql`delete from member using organization o where o.id = tenant_id and slug = ${slug} and role <> 'owner'`)
    }
  })

  it('stays when both leave at the same time', async () => {
    const second = await join('owner')
    const answers = await Promise.all([remove(owner, owner), remove(second, second)])
    expect(answers.map(code).sort()).toEqual(['204 undefined', '409 tenant.last-owner'])
  })
})

describe('removing a member', () => {
  it('ends tokens and API keys within 5 s', async () => {
    const admin = await join('admin')
    const token = await admin.token(slug)
    const { key } = (await room.call('POST', '/api/v1/api-keys', { token, body: { name: 'theirs', scopes: ['tenant:read'] } })).body
    const members = (by: string) => room.call('GET', '/api/v1/members', { token: by })
    expect([(await members(token)).status, (await members(key)).status]).toEqual([200, 200])
    expect((await remove(owner, admin)).status).toBe(204)
    room.clock.advance(4_500)
    expect(code(await members(token))).toBe('401 auth.revoked')
    expect(code(await members(key))).toBe('401 auth.revoked')
    const answer = await room.call('POST', '/api/v1/auth/token', { token: admin.session, body: { tenant: slug } })
    expect(code(answer)).toBe('404 resource.not-found')
  })

  it('leaves other tenants of the person alone', async () => {
    const admin = await join('admin')
    await room.call('POST', '/api/v1/tenants', { token: await admin.token(), body: { slug: `own-${slug}`, name: 'Own' } })
    const own = await admin.token(`own-${slug}`)
    await remove(owner, admin)
    room.clock.advance(4_500)
    expect((await room.call('GET', '/api/v1/members', { token: own })).status).toBe(200)
  })

  it('needs rank, but anybody may leave', async () => {
    const [admin, member, viewer] = [await join('admin'), await join('member'), await join('viewer')]
    expect(code(await remove(member, viewer))).toBe('403 auth.forbidden')
    expect(code(await remove(admin, owner))).toBe('403 auth.forbidden')
    expect((await remove(viewer, viewer)).status).toBe(204)
    expect((await remove(admin, member)).status).toBe(204)
  })

  it('beats a token that is made at the same time', async () => {
    const member = await join('member')
    const issue = () => room.call('POST', '/api/v1/auth/token', { token: member.session, body: { tenant: slug } })
    const [issued, removed] = await Promise.all([Promise.all(Array.from({ length: 8 }, issue)), remove(owner, member)])
    expect(removed.status).toBe(204)
    room.clock.advance(4_500)
    for (const { status, body } of issued) {
      const answer =
        status === 200 ? code(await room.call('GET', '/api/v1/members', { token: body.accessToken })) : code({ status, body } as Answer)
      expect(['401 auth.revoked', '404 resource.not-found']).toContain(answer)
    }
  })
})

describe('a change of role that is not committed yet', () => {
  it.each(['token', 'key'] as const)('is waited for when a %s is made from the role', async (what) => {
    const admin = await join('admin')
    const token = await admin.token(slug)
    const { key } = (await room.call('POST', '/api/v1/api-keys', { token, body: { name: 'k', scopes: ['tenant:read'] } })).body
    const me = await room.call('GET', '/api/v1/me', { token })
    const { id: tenantId } = me.body.tenant
    const order: string[] = []
    const roleNow = async () => {
      const answer =
        what === 'token'
          ? await room.call('POST', '/api/v1/auth/token', { token: admin.session, body: { tenant: slug } })
          : await room.internal('POST', '/internal/v1/api-keys/verify', { body: { key } })
      order.push('made')
      return answer.body.role
    }
    let made: Promise<string> | undefined
    await room.context.database.tenantTransaction(tenantId, async (tx) => {
      await tx.execute(sql`update member set role = 'viewer' where user_id = ${admin.id}`)
      made = roleNow()
      const blocked = sql`select count(*)::int as n from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()`
      await expect.poll(async () => (await rows(blocked))[0]?.n).toBe(1)
      order.push('committed')
    })
    expect(await made).toBe('viewer')
    expect(order).toEqual(['committed', 'made'])
  })
})

describe('invitations', () => {
  it('come by mail, are accepted once by the invited address, and are in no table in the clear', async () => {
    const guest = await room.person('guest')
    const made = await invite(owner, guest.email.toUpperCase(), 'member')
    expect(made).toMatchObject({ status: 201, body: { email: guest.email, role: 'member', invitedBy: owner.id } })
    expect(made.body).not.toHaveProperty('token')
    const token = await room.linkTo(guest.email, 'invitation')
    expect(JSON.stringify([await rows(sql`select * from invitation`), await rows(sql`select * from jobs`)])).not.toContain(token)
    const thief = await room.person('thief')
    expect(code(await accept(thief, token))).toBe('401 auth.link-invalid')
    expect((await accept(guest, token)).status).toBe(200)
    expect(code(await accept(guest, token))).toBe('401 auth.link-invalid')
    expect((await room.call('GET', '/api/v1/me', { token: await guest.token() })).body.user.emailVerified).toBe(true)
  })

  it('are listed until they are answered, and can be taken back', async () => {
    const guest = await room.person('guest')
    const { id } = (await invite(owner, guest.email, 'viewer')).body
    const token = await owner.token(slug)
    const list = async () => (await room.call('GET', '/api/v1/invitations', { token })).body.items
    expect(await list()).toMatchObject([{ id, email: guest.email }])
    expect((await room.call('DELETE', `/api/v1/invitations/${id}`, { token })).status).toBe(204)
    expect(await list()).toEqual([])
    expect(code(await accept(guest))).toBe('401 auth.link-invalid')
    expect(code(await room.call('DELETE', `/api/v1/invitations/${id}`, { token }))).toBe('404 resource.not-found')
  })

  it('replace each other', async () => {
    const guest = await room.person('guest')
    await invite(owner, guest.email, 'viewer')
    const first = await room.linkTo(guest.email, 'invitation')
    await room.mail.clear()
    await invite(owner, guest.email, 'admin')
    expect(code(await accept(guest, first))).toBe('401 auth.link-invalid')
    expect((await accept(guest)).body.role).toBe('admin')
  })

  it('give no role above that of the inviter, and are not for members', async () => {
    const admin = await join('admin')
    expect(code(await invite(admin, 'x@example.com', 'owner'))).toBe('403 auth.forbidden')
    expect((await invite(admin, 'x@example.com', 'admin')).status).toBe(201)
    expect(code(await invite(owner, admin.email, 'viewer'))).toBe('409 resource.conflict')
  })

  it('expire', async () => {
    const guest = await room.person('guest')
    await invite(owner, guest.email, 'viewer')
    const token = await room.linkTo(guest.email, 'invitation')
    await rows(sql`update invitation set expires_at = now() - interval '1 s' where email = ${guest.email}`)
    expect(code(await accept(guest, token))).toBe('401 auth.link-invalid')
  })

  it('make an account and a member of who has none', async () => {
    await invite(owner, 'newcomer@example.com', 'member')
    const invitation = await room.linkTo('newcomer@example.com', 'invitation')
    const sign = (email: string) =>
      room.call('POST', '/api/v1/auth/sign-up', { body: { email, password: 'a long enough passphrase', name: 'New', invitation } })
    expect(code(await sign('somebody-else@example.com'))).toBe('401 auth.link-invalid')
    const made = await sign('newcomer@example.com')
    expect(made).toMatchObject({ status: 201, body: { user: { emailVerified: true } } })
    const token = await room.call('POST', '/api/v1/auth/token', { token: made.body.sessionToken, body: { tenant: slug } })
    expect(token.body.role).toBe('member')
  })
})

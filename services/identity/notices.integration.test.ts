import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRoom, type Person, type Room } from './identity.fixtures.ts'

let room: Room
let tenantId: string
let people: Record<'owner' | 'admin' | 'member' | 'other' | 'stranger', Person>
let key: string
beforeAll(async () => {
  room = await openRoom()
  const [owner, admin, member, other, stranger] = await Promise.all(['ola', 'adi', 'mem', 'oth', 'str'].map((name) => room.person(name)))
  if (!owner || !admin || !member || !other || !stranger) throw new Error('nobody is there')
  people = { owner, admin, member, other, stranger }
  const made = await room.call('POST', '/api/v1/tenants', {
    token: await owner.token(),
    body: { slug: 'acme', name: 'Acme Ltd' },
  })
  tenantId = made.body.id
  for (const [role, person] of [
    ['admin', admin],
    ['member', member],
    ['admin', other],
  ] as const) {
    await room.call('POST', '/api/v1/invitations', { token: await owner.token('acme'), body: { email: person.email, role } })
    const body = { token: await room.linkTo(person.email, 'invitation') }
    expect((await room.call('POST', '/api/v1/invitations/accept', { token: await person.token(), body })).status).toBeLessThan(300)
  }
  const body = { name: 'ci', scopes: ['files:write'] }
  key = (await room.call('POST', '/api/v1/api-keys', { token: await other.token('acme'), body })).body.id
  const demoted = await room.call('PATCH', `/api/v1/members/${other.id}`, { token: await owner.token('acme'), body: { role: 'member' } })
  expect(demoted.status).toBe(200)
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const facts = (count: string) => ({ count, names: 'a.zip' })
const notice = (more: object = {}) => ({
  key: randomUUID(),
  tenantId,
  kind: 'files-infected',
  roles: [],
  facts: facts('9'),
  people: [],
  ...more,
})
const send = (body: object) => room.internal('POST', '/internal/v1/notices', { body })
const mailTo = ({ email }: Person, count: string) =>
  room.mail.waitFor((mail) => mail.to.includes(email) && mail.subject.includes('Malware') && mail.text.includes(`at ${count} `))

describe('a notice', () => {
  it('goes to the roles, to owners of files and to makers of keys, to each once, and to no stranger', async () => {
    const { owner, admin, member, other, stranger } = people
    const told = [owner, member, stranger].map(({ id }, index) => ({ principal: `user:${id}`, facts: facts(String(index + 1)) }))
    const keys = [key, randomUUID()].map((id) => ({ principal: `key:${id}`, facts: facts('5') }))
    const odd = ['user:', 'user:nobody', 'nobody', 'service:files', `user:${randomUUID()}`].map((principal) => ({
      principal,
      facts: facts('6'),
    }))
    const answer = await send(notice({ roles: ['owner', 'admin'], people: [...told, ...keys, ...odd] }))
    expect(answer).toMatchObject({ status: 202, body: { mails: 4 } })
    for (const [person, count] of [
      [owner, '9'],
      [admin, '9'],
      [member, '2'],
      [other, '5'],
    ] as const) {
      const mail = await mailTo(person, count)
      expect(mail.to).toEqual([person.email])
      expect(mail.subject).toBe('Malware found in files of Acme Ltd')
      expect(mail.text).toContain('a.zip')
      expect(mail.text.includes('files of yours')).toBe(person === member || person === other)
    }
  })

  it('is sent once for each key, also when it is asked for at the same time', async () => {
    const body = notice({ people: [{ principal: `user:${people.member.id}`, facts: facts('77') }] })
    const answers = await Promise.all([send(body), send(body), send(body)])
    expect(answers.map(({ status, body: { mails } }) => `${status} ${mails}`).toSorted()).toEqual(['202 0', '202 0', '202 1'])
    expect((await send(body)).body).toEqual({ mails: 0 })
  })

  it('of a tenant that is gone, or with nobody to tell, is no failure', async () => {
    expect((await send(notice({ tenantId: randomUUID(), roles: ['owner'] }))).body).toEqual({ mails: 0 })
    expect((await send(notice())).body).toEqual({ mails: 0 })
  })

  it('is for services only, and as its contract says', async () => {
    const path = '/internal/v1/notices'
    expect((await room.call('POST', path, { token: await people.owner.token('acme'), body: notice() })).status).toBe(404)
    expect((await room.internal('POST', path, { headers: { authorization: 'Service files.wrong' }, body: notice() })).status).toBe(401)
    const tooMany = Array.from({ length: 501 }, () => ({ principal: 'user:x', facts: {} }))
    for (const wrong of [
      { kind: 'anything' },
      { roles: ['root'] },
      { facts: { a: 'x'.repeat(201) } },
      { people: tooMany },
      { key: '' },
      { more: 1 },
    ])
      expect((await send(notice(wrong))).status).toBe(422)
  })
})

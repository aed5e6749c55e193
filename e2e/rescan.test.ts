import { describe, expect, test } from 'vitest'
import { eicar } from './archives.ts'
import { call, expectProblem, expectStatus, here, type StoredFile, stored, unique, until, upload } from './client.ts'
import { newMember, newPerson, newTenant, signIn, tokenFor } from './people.ts'

const reason = 'a false alarm, says the vendor'

/** A refused file of a tenant of our own. */
async function refusedFile(token: string): Promise<string> {
  const problem = await expectProblem(upload(eicar(), { name: unique('alarm.com'), as: token }), 422, 'file.infected')
  return String(problem['quarantineId'])
}

describe('a rescan', () => {
  test('is asked for, done by a worker, and leaves a clean file as it was', async () => {
    const file = await stored('looked at twice', { name: unique('again.txt') })
    const answer = await call('POST', `/api/v1/files/${file.id}/rescan`)
    expect(answer.headers.get('location')).toBe(`/api/v1/files/${file.id}`)
    expect(await expectStatus<StoredFile>(answer, 202)).toMatchObject({ id: file.id, verdict: 'clean' })
    const after = await until(async () => {
      const now = await expectStatus<StoredFile>(call('GET', `/api/v1/files/${file.id}`), 200)
      return now.scan?.at === file.scan?.at ? undefined : now
    })
    expect({ ...after, scan: null }).toEqual({ ...file, scan: null })
    expect(await (await call('GET', `/api/v1/files/${file.id}/content`)).text()).toBe('looked at twice')
  })

  test('is for files that are there', async () => {
    await expectProblem(call('POST', '/api/v1/files/019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11/rescan'), 404, 'resource.not-found')
  })
})

describe('a release', () => {
  test('takes two people, and the file is readable then', async ({ skip }) => {
    const tenant = await newTenant(await signIn())
    const second = await newMember(tenant, 'admin')
    skip(second === null, 'nobody else can be brought into a tenant of this installation')
    const id = await refusedFile(tenant.token)
    const path = `/api/v1/quarantine/${id}/release`
    const asked = await expectStatus<{ quarantine: object }>(call('POST', path, { as: tenant.token, json: { reason } }), 202)
    expect(asked.quarantine).toMatchObject({ id, release: { reason } })
    await expectProblem(call('POST', path, { as: tenant.token, json: { reason } }), 409, 'release.same-person')
    await expectStatus(call('DELETE', path, { as: second?.token ?? '' }), 204)
    await expectStatus(call('POST', path, { as: tenant.token, json: { reason } }), 202)
    const approved = await call('POST', path, { as: second?.token ?? '', json: { reason } })
    expect(approved.headers.get('location')).toBe(`/api/v1/files/${id}`)
    await expectStatus(approved, 202)
    const file = await until(async () => {
      const now = await expectStatus<StoredFile & { release: object }>(call('GET', `/api/v1/files/${id}`, { as: tenant.token }), 200)
      return now.verdict === 'pending' ? undefined : now
    })
    expect(file).toMatchObject({ verdict: 'clean', release: { reason, verdict: 'infected', signature: expect.stringMatching(/eicar/i) } })
    const content = await call('GET', `/api/v1/files/${id}/content`, { as: tenant.token })
    expect(Buffer.from(await content.arrayBuffer()).equals(eicar())).toBe(true)
    const { items } = await expectStatus<{ items: { action: string }[] }>(
      call('GET', `/api/v1/files/audit?subjectId=${id}`, { as: tenant.token }),
      200,
    )
    expect(items.map(({ action }) => action)).toEqual(
      expect.arrayContaining([
        'quarantine.release-requested',
        'quarantine.release-withdrawn',
        'quarantine.release-approved',
        'file.released',
      ]),
    )
  })

  test('by a key needs somebody else than its maker, and is nothing for strangers', async () => {
    const problem = await expectProblem(upload(eicar(), { name: unique('alarm.com') }), 422, 'file.infected')
    const path = `/api/v1/quarantine/${String(problem['quarantineId'])}/release`
    await expectStatus(call('POST', path, { json: { reason } }), 202)
    await expectProblem(call('POST', path, { json: { reason } }), 409, 'release.same-person')
    await expectProblem(
      call('POST', path, { as: await tokenFor(await signIn(), here.tenant), json: { reason } }),
      409,
      'release.same-person',
    )
    await expectProblem(call('POST', path, { json: {} }), 422, 'request.invalid')
    const stranger = await newPerson()
    if (stranger)
      await expectProblem(call('POST', path, { as: await tokenFor(stranger.session), json: { reason } }), 400, 'tenant.required')
    await expectStatus(call('DELETE', path), 204)
  })
})

import { describe, expect, it } from 'vitest'
import { serviceCaller, serviceCallers } from './index.ts'

const credential = 'files.0123456789abcdef0123456789abcdef'
const callers = serviceCallers([serviceCaller(credential), serviceCaller('menu.another-secret')])
const send = (authorization?: string) => callers.authenticate({ headers: authorization === undefined ? {} : { authorization } })

describe('serviceCallers', () => {
  it('knows a caller by its credential', async () => {
    expect(await send(`Service ${credential}`)).toEqual({ kind: 'service', id: 'files', name: 'files', scopes: [] })
    expect(await send(`service ${credential}`)).toMatchObject({ id: 'files' })
  })

  it('says null to who sends nothing', async () => {
    expect(await send()).toBeNull()
  })

  it.each([
    'Service files.wrong',
    'Service menu.0123456789abcdef0123456789abcdef',
    `Bearer ${credential}`,
    'Service',
    `Service ${credential} x`,
    '',
  ])('refuses %j', async (authorization) => {
    await expect(send(authorization)).rejects.toMatchObject({ code: 'auth.invalid', status: 401 })
  })

  it('takes two secrets of one name while it is being changed', async () => {
    const both = serviceCallers([serviceCaller('files.old'), serviceCaller('files.new')])
    for (const secret of ['files.old', 'files.new']) {
      expect(await both.authenticate({ headers: { authorization: `Service ${secret}` } })).toMatchObject({ id: 'files' })
    }
  })

  it('refuses to start with a list it cannot read, and does not print the rest of the entry', () => {
    expect(() => serviceCallers(['files:hunter2'])).toThrow(/^"files" in the list/)
    expect(() => serviceCallers(['files:hunter2'])).not.toThrow(/hunter2/)
  })
})

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clientConfig } from './settings.ts'

describe('clientConfig', () => {
  it('takes the URL apart, and lets a role replace its user', () => {
    const url = 'postgres://ad%40min:p%2Fw@db.example:6543/slip%20way'
    expect(clientConfig({ url })).toMatchObject({ host: 'db.example', port: 6543, database: 'slip way', user: 'ad@min', password: 'p/w' })
    expect(clientConfig({ url, role: { user: 'r', password: 's' } })).toMatchObject({ host: 'db.example', user: 'r', password: 's' })
    expect(clientConfig({ url: 'postgres://a:b@[::1]/x' })).toMatchObject({ host: '::1', port: 5432 })
    expect(clientConfig({ url: 'postgres://a:b@localhost/x?host=/run/postgresql' })).toMatchObject({ host: '/run/postgresql' })
  })

  it('is plain unless asked, and never less strict than asked', () => {
    const url = 'postgres://a:b@db/x'
    const caFile = join(mkdtempSync(join(tmpdir(), 'slipway-ca-')), 'ca.pem')
    writeFileSync(caFile, 'certificate')
    expect(clientConfig({ url }).ssl).toBe(false)
    expect(clientConfig({ url: `${url}?sslmode=require` }).ssl).toEqual({ rejectUnauthorized: false })
    expect(clientConfig({ url: `${url}?sslmode=verify-full&sslrootcert=${caFile}` }).ssl).toEqual({
      rejectUnauthorized: true,
      ca: 'certificate',
    })
    expect(clientConfig({ url: `${url}?sslmode=disable`, tls: { mode: 'verify-full', caFile: null } }).ssl).toEqual({
      rejectUnauthorized: true,
    })
    expect(() => clientConfig({ url: `${url}?sslmode=prefer` })).toThrow(/sslmode=prefer is not supported/)
  })
})

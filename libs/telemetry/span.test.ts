import { describe, expect, it } from 'vitest'
import { idsIn, idsOfPath } from './span.ts'

const id = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11'
const other = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b12'

describe('ids', () => {
  it.each([
    ['/api/v1/files/{id}', { id }, { file: id }],
    ['/api/v1/dishes/{id}/photo', { id }, { dish: id }],
    ['/api/v1/files/quarantine/{id}', { id }, { quarantine: id }],
    ['/api/v1/categories/{id}', { id }, { category: id }],
    ['/api/v1/dishes/{dishId}/models/{id}', { dishId: id, id: other }, { dish: id, model: other }],
    ['/api/v1/files', {}, {}],
  ])('of %s are those of its nouns', (path, params, ids) => {
    expect(idsOfPath(path)(params)).toEqual(ids)
  })

  it('are UUIDs only: a token or a slug in a path is none', () => {
    expect(idsOfPath('/api/v1/links/{id}')({ id: 'secret' })).toEqual({})
    expect(idsOfPath('/public/{slug}')({ slug: id })).toEqual({})
  })

  it('of a payload are the fields that say so', () => {
    expect(idsIn({ version: 1, tenantId: id, fileId: other, name: id, mailId: 'x' })).toEqual({ tenant: id, file: other })
  })
})

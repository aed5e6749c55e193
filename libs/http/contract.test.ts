import type { Principal } from '@slipway/auth'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { multipart, reply, routesFor, type Tenant } from './index.ts'

const route = routesFor<{ now: () => number }>()
const base = { path: '/api/v1/things/{id}', operation: 'things.get', summary: 'One thing' } as const
const ok = { description: 'Fine', schema: z.object({ id: z.string() }) }

describe('the types of a contract', () => {
  it('give the handler what its schemas put out', () => {
    route(
      {
        ...base,
        method: 'PATCH',
        auth: { role: 'viewer', scope: 'things:read' },
        params: z.object({ id: z.uuid() }),
        query: z.object({ limit: z.coerce.number().default(5) }),
        body: z.object({ at: z.iso.date().transform((text) => new Date(text)) }),
        responses: { 200: ok },
      },
      async ({ params, query, body, principal, tenant, parts }, context) => {
        expectTypeOf(params.id).toEqualTypeOf<string>()
        expectTypeOf(query.limit).toEqualTypeOf<number>()
        expectTypeOf(body.at).toEqualTypeOf<Date>()
        expectTypeOf(principal).toEqualTypeOf<Principal>()
        expectTypeOf(tenant).toEqualTypeOf<Tenant>()
        expectTypeOf(parts).toEqualTypeOf<undefined>()
        expectTypeOf(context.now).toEqualTypeOf<() => number>()
        return reply(200, { id: params.id })
      },
    )
  })

  it('leave open who called where nobody has to be', () => {
    route({ ...base, method: 'GET', auth: 'none', responses: { 200: ok } }, async ({ principal, tenant, body }) => {
      expectTypeOf(principal).toEqualTypeOf<Principal | null>()
      expectTypeOf(tenant).toEqualTypeOf<Tenant | null>()
      expectTypeOf(body).toEqualTypeOf<undefined>()
      return reply(200, { id: '' })
    })
  })

  it('leave open the tenant where the operator may come without one', () => {
    const auth = { role: 'admin', scope: 'jobs:read', operator: true } as const
    route({ ...base, method: 'GET', auth, responses: { 200: ok } }, async ({ tenant, principal }) => {
      expectTypeOf(tenant).toEqualTypeOf<Tenant | null>()
      return reply(200, { id: principal.id })
    })
  })

  it('have the fields and the file of an upload', () => {
    const body = multipart({ fields: z.object({ folderId: z.uuid().optional() }) })
    route({ ...base, method: 'POST', auth: 'none', body, responses: { 204: { description: 'Stored' } } }, async ({ parts }) => {
      expectTypeOf(parts.fields.folderId).toEqualTypeOf<string | undefined>()
      expectTypeOf(parts.file.name).toEqualTypeOf<string>()
      return reply(204)
    })
  })

  it('refuse answers and members that the contract does not have', () => {
    const contract = { ...base, method: 'GET', auth: 'none', responses: { 200: ok } } as const
    // @ts-expect-error -- 201 is not among the responses
    route(contract, async () => reply(201, { id: '' }))
    // @ts-expect-error -- id is a string
    route(contract, async () => reply(200, { id: 1 }))
    // @ts-expect-error -- the body is missing
    route(contract, async () => reply(200))
    // @ts-expect-error -- no contract has a "quary"
    route({ ...contract, quary: z.object({}) }, async () => reply(200, { id: '' }))
    expect(route(contract, async () => reply(304))).toMatchObject({ operation: 'things.get', internal: false })
  })
})

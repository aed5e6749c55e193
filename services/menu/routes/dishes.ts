import { decodeCursor, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { MenuContext } from '../context.ts'
import { type DishView, requireDishView, selectDishes } from '../domain/dish-view.ts'
import { changeDish, createDish, deleteDish, orderDishes } from '../domain/dishes.ts'
import { authorOf } from './author.ts'
import {
  Allergens,
  Description,
  Dish,
  dishBody,
  dishExample,
  expectation,
  Flag,
  Id,
  IdParams,
  Name,
  PlateDiameter,
  Price,
  PriceChange,
} from './representation.ts'

const route = routesFor<MenuContext>()
const tags = ['dishes']
const read = { role: 'viewer', scope: 'menu:read' } as const
const write = { role: 'member', scope: 'menu:write' } as const
const found = { description: 'The dish', schema: Dish, example: dishExample, headers: { etag: 'For If-Match and If-None-Match' } }

const created = z.strictObject({
  name: Name,
  description: Description.nullable().default(null),
  price: Price,
  categoryId: Id.nullable().default(null),
  allergens: Allergens.default([]),
  plateDiameterCm: PlateDiameter.default(26),
  visible: z.boolean().default(true),
})

export const createDishRoute = route(
  {
    method: 'POST',
    path: '/api/v1/dishes',
    operation: 'dishes.create',
    summary: 'Add a dish',
    description: 'At the end of the order.',
    tags,
    auth: write,
    body: created,
    bodyExample: { name: 'Tarte Tatin', price: { amount: 850, currency: 'EUR' }, allergens: ['gluten', 'milk'] },
    responses: { 201: { ...found, headers: { ...found.headers, location: 'The dish' } } },
    problems: ['quota.exceeded'],
  },
  async (input, context) => {
    return await context.database.tenantTransaction(input.tenant.id, async (tx) => {
      const id = await createDish(tx, authorOf(input), { fields: input.body, context })
      const body = dishBody(await requireDishView(tx, id))
      const answer = reply(201, body, { headers: { location: `/api/v1/dishes/${id}`, etag: body.etag } })
      await input.idempotency.complete(tx, answer)
      return answer
    })
  },
)

export const listDishes = route(
  {
    method: 'GET',
    path: '/api/v1/dishes',
    operation: 'dishes.list',
    summary: 'List dishes in their order',
    tags,
    auth: read,
    query: z.object({
      ...pageQuery,
      categoryId: z
        .union([Id, z.literal('none')])
        .optional()
        .describe('`none` = those without a category'),
      visible: Flag.optional(),
    }),
    responses: { 200: { description: 'A page', schema: pageOf(Dish), example: { items: [dishExample], nextCursor: null } } },
  },
  async ({ query, tenant }, { database }) => {
    const { limit, cursor, categoryId, visible } = query
    const after = decodeCursor(cursor, z.object({ position: z.int32(), id: Id }))
    const wanted = { categoryId: categoryId === 'none' ? null : categoryId, visible, after, limit }
    const views = await database.tenantTransaction(tenant.id, (tx) => selectDishes(tx, wanted), { readOnly: true })
    const { items, nextCursor } = page({ items: views, limit, cursorOf: ({ dish: { position, id } }) => ({ position, id }) })
    return reply(200, { items: items.map(dishBody), nextCursor })
  },
)

export const getDish = route(
  {
    method: 'GET',
    path: '/api/v1/dishes/{id}',
    operation: 'dishes.get',
    summary: 'Get a dish',
    tags,
    auth: read,
    params: IdParams,
    responses: { 200: found },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, { database }) =>
    answer(await database.tenantTransaction(tenant.id, (tx) => requireDishView(tx, params.id), { readOnly: true })),
)

export const patchDish = route(
  {
    method: 'PATCH',
    path: '/api/v1/dishes/{id}',
    operation: 'dishes.update',
    summary: 'Change a dish',
    description: 'Another diameter of the plate has the model made anew.',
    tags,
    auth: write,
    params: IdParams,
    body: z.strictObject({
      name: Name.optional(),
      description: Description.nullable().optional(),
      price: PriceChange.optional().describe('What is left out of it stays'),
      categoryId: Id.nullable().optional(),
      allergens: Allergens.optional(),
      plateDiameterCm: PlateDiameter.optional(),
      visible: z.boolean().optional(),
    }),
    bodyExample: { visible: false },
    responses: { 200: found },
    problems: ['resource.not-found', 'precondition.failed'],
  },
  async (input, context) => {
    const { params, body, tenant, request } = input
    const change = { id: params.id, fields: body, context, expect: expectation(request) }
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      await changeDish(tx, authorOf(input), change)
      const changed = answer(await requireDishView(tx, params.id))
      await input.idempotency.complete(tx, changed)
      return changed
    })
  },
)

export const deleteDishRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/dishes/{id}',
    operation: 'dishes.delete',
    summary: 'Delete a dish with its photo and its model',
    tags,
    auth: write,
    params: IdParams,
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found', 'precondition.failed'],
  },
  async (input, context) => {
    const { params, tenant, request } = input
    const done = reply(204)
    await context.database.tenantTransaction(tenant.id, async (tx) => {
      await deleteDish(tx, authorOf(input), { id: params.id, context, expect: expectation(request) })
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)

export const orderDishesRoute = route(
  {
    method: 'PUT',
    path: '/api/v1/dishes/order',
    operation: 'dishes.order',
    summary: 'Put dishes into an order',
    description: 'Dishes that are not named keep their order and come after the named ones.',
    tags,
    auth: write,
    body: z.strictObject({
      ids: z
        .array(Id)
        .min(1)
        .max(10_000)
        .refine((ids) => new Set(ids).size === ids.length, 'must not name one twice'),
    }),
    bodyExample: { ids: [dishExample.id] },
    responses: {
      200: {
        description: 'All dishes in their order',
        schema: z.object({ items: z.array(z.object({ id: Id, position: z.int() })) }),
        example: { items: [{ id: dishExample.id, position: 0 }] },
      },
    },
  },
  async (input, { database }) => {
    return await database.tenantTransaction(input.tenant.id, async (tx) => {
      const ordered = reply(200, { items: await orderDishes(tx, authorOf(input), input.body.ids) })
      await input.idempotency.complete(tx, ordered)
      return ordered
    })
  },
)

function answer(view: DishView) {
  const body = dishBody(view)
  return reply(200, body, { headers: { etag: body.etag } })
}

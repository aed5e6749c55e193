import { decodeCursor, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { MenuContext } from '../context.ts'
import { changeMenu, createMenu, deleteMenu, type MenuView, requireMenu, selectMenus } from '../domain/menus.ts'
import { authorOf } from './author.ts'
import { Description, expectation, Id, IdParams, Menu, menuBody, menuExample, Name } from './representation.ts'

const route = routesFor<MenuContext>()
const tags = ['menus']
const read = { role: 'viewer', scope: 'menu:read' } as const
const write = { role: 'member', scope: 'menu:write' } as const
const found = { description: 'The menu', schema: Menu, example: menuExample, headers: { etag: 'For If-Match' } }

const Categories = z
  .array(z.strictObject({ id: Id.optional().describe('Of one that is to stay'), name: Name }))
  .max(100)
  .refine((all) => {
    const ids = all.flatMap(({ id }) => id ?? [])
    return new Set(ids).size === ids.length
  }, 'must not name one twice')
  .describe('The whole list in order: what is left out goes, and its dishes stay without a category')

export const createMenuRoute = route(
  {
    method: 'POST',
    path: '/api/v1/menus',
    operation: 'menus.create',
    summary: 'Add a menu',
    tags,
    auth: write,
    body: z.strictObject({
      name: Name,
      description: Description.nullable().default(null),
      visible: z.boolean().default(true),
      categories: z
        .array(z.strictObject({ name: Name }))
        .max(100)
        .default([]),
    }),
    bodyExample: { name: 'Lunch', categories: [{ name: 'Desserts' }] },
    responses: { 201: { ...found, headers: { ...found.headers, location: 'The menu' } } },
    problems: ['quota.exceeded'],
  },
  async (input, { database, now }) => {
    return await database.tenantTransaction(input.tenant.id, async (tx) => {
      const id = await createMenu(tx, authorOf(input), { fields: input.body, now: new Date(now()) })
      const body = menuBody(await requireMenu(tx, id))
      const answer = reply(201, body, { headers: { location: `/api/v1/menus/${id}`, etag: body.etag } })
      await input.idempotency.complete(tx, answer)
      return answer
    })
  },
)

export const listMenus = route(
  {
    method: 'GET',
    path: '/api/v1/menus',
    operation: 'menus.list',
    summary: 'List menus with their categories, in their order',
    tags,
    auth: read,
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page', schema: pageOf(Menu), example: { items: [menuExample], nextCursor: null } } },
  },
  async ({ query: { limit, cursor }, tenant }, { database }) => {
    const after = decodeCursor(cursor, z.object({ position: z.int32(), id: Id }))
    const views = await database.tenantTransaction(tenant.id, (tx) => selectMenus(tx, { after, limit }), { readOnly: true })
    const { items, nextCursor } = page({ items: views, limit, cursorOf: ({ menu: { position, id } }) => ({ position, id }) })
    return reply(200, { items: items.map(menuBody), nextCursor })
  },
)

export const getMenu = route(
  {
    method: 'GET',
    path: '/api/v1/menus/{id}',
    operation: 'menus.get',
    summary: 'Get a menu',
    tags,
    auth: read,
    params: IdParams,
    responses: { 200: found },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, { database }) =>
    answer(await database.tenantTransaction(tenant.id, (tx) => requireMenu(tx, params.id), { readOnly: true })),
)

export const patchMenu = route(
  {
    method: 'PATCH',
    path: '/api/v1/menus/{id}',
    operation: 'menus.update',
    summary: 'Change a menu or its categories',
    tags,
    auth: write,
    params: IdParams,
    body: z.strictObject({
      name: Name.optional(),
      description: Description.nullable().optional(),
      visible: z.boolean().optional(),
      position: z.int().min(0).max(1000).optional().describe('Place among the menus'),
      categories: Categories.optional(),
    }),
    bodyExample: { categories: [{ id: menuExample.categories[0]?.id, name: 'Sweets' }, { name: 'Cheese' }] },
    responses: { 200: found },
    problems: ['resource.not-found', 'precondition.failed'],
  },
  async (input, { database, now }) => {
    const { params, body, tenant, request } = input
    const change = { id: params.id, fields: body, now: new Date(now()), expect: expectation(request) }
    return await database.tenantTransaction(tenant.id, async (tx) => {
      await changeMenu(tx, authorOf(input), change)
      const changed = answer(await requireMenu(tx, params.id))
      await input.idempotency.complete(tx, changed)
      return changed
    })
  },
)

export const deleteMenuRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/menus/{id}',
    operation: 'menus.delete',
    summary: 'Delete a menu with its categories',
    description: 'Its dishes stay, without a category.',
    tags,
    auth: write,
    params: IdParams,
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found', 'precondition.failed'],
  },
  async (input, { database, now }) => {
    const { params, tenant, request } = input
    const done = reply(204)
    await database.tenantTransaction(tenant.id, async (tx) => {
      await deleteMenu(tx, authorOf(input), { id: params.id, now: new Date(now()), expect: expectation(request) })
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)

function answer(view: MenuView) {
  const body = menuBody(view)
  return reply(200, body, { headers: { etag: body.etag } })
}

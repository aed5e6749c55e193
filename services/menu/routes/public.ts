import { createHash } from 'node:crypto'
import { type PublicTenant, resolveTenantHint } from '@slipway/auth'
import { type Contract, type RequestInfo, reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { MenuContext } from '../context.ts'
import { allergens } from '../domain/allergens.ts'
import { photoBody } from '../domain/model-view.ts'
import { findPublicDish, type PublicDishView, type PublicMenuView, readPublicMenu } from '../domain/public.ts'
import { type Shown, sendBytes, shownOutput, shownPhoto } from './bytes.ts'
import { dishExample, Id, IdParams } from './representation.ts'

const route = routesFor<MenuContext>()

/** What is withdrawn is gone within this time, wherever it was kept. The tenant may be named by a header, which is no part of the URL. */
const headers = { 'cache-control': 'public, max-age=30', vary: 'x-tenant-slug' }
const query = z.object({
  tenant: z.string().min(1).max(63).optional().describe('Slug; not needed where the host name or X-Tenant-Slug says it'),
})

const common = {
  method: 'GET',
  tags: ['public menu'],
  auth: 'none',
  rate: { name: 'public-menu', limit: 1200, seconds: 60, by: 'ip' },
  problems: ['resource.not-found', 'tenant.required', 'tenant.mismatch', 'identity.unavailable', 'storage.unavailable'],
} as const satisfies Partial<Contract>

const PublicDish = z
  .object({
    id: Id,
    name: z.string(),
    description: z.string().nullable(),
    price: z.object({ amount: z.int(), currency: z.string() }),
    allergens: z.array(z.enum(allergens)),
    photo: z.object({ url: z.string(), width: z.int(), height: z.int() }).nullable(),
    model: z.object({ plain: z.string(), web: z.string(), poster: z.string() }).nullable().describe('Addresses of the files'),
    plateDiameterCm: z.number(),
  })
  .meta({ id: 'PublicDish' })

const PublicMenu = z
  .object({
    tenant: z.object({ slug: z.string(), name: z.string() }),
    menus: z.array(
      z.object({
        id: Id,
        name: z.string(),
        description: z.string().nullable(),
        categories: z.array(z.object({ id: Id, name: z.string(), dishes: z.array(PublicDish) })),
      }),
    ),
    uncategorised: z.array(PublicDish),
  })
  .meta({ id: 'PublicMenu' })

const { id, name, description, price, plateDiameterCm } = dishExample
const example: z.input<typeof PublicMenu> = {
  tenant: { slug: 'acme', name: 'Acme' },
  menus: [],
  uncategorised: [{ id, name, description, price, allergens: dishExample.allergens, photo: null, model: null, plateDiameterCm }],
}

export const getPublicMenu = route(
  {
    ...common,
    path: '/api/v1/public/menu',
    operation: 'public.menu',
    summary: 'What a tenant has on the menu',
    description: 'No sign-in. Visible dishes of visible menus, and visible dishes without a category.',
    query,
    responses: { 200: { description: 'The menu', schema: PublicMenu, example, headers: { etag: 'Of the whole' } } },
  },
  async ({ query, request }, context) => {
    const tenant = await requireTenant(context, query.tenant, request)
    const view = await context.database.tenantTransaction(tenant.id, readPublicMenu, { readOnly: true })
    const body = menuBody(tenant, view)
    const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url')}"`
    return reply(200, body, { headers: { ...headers, etag } })
  },
)

const files = [
  { name: 'photo.jpg', operation: 'photo', content: 'image/jpeg', shown: ({ photo }) => shownPhoto(photo) },
  { name: 'model.glb', operation: 'plain', content: 'model/gltf-binary', shown: ({ served }) => shownOutput(served?.result, 'plain') },
  { name: 'model.web.glb', operation: 'web', content: 'model/gltf-binary', shown: ({ served }) => shownOutput(served?.result, 'web') },
  { name: 'poster.webp', operation: 'poster', content: 'image/webp', shown: ({ served }) => shownOutput(served?.result, 'poster') },
] as const satisfies readonly { name: string; operation: string; content: string; shown: (view: PublicDishView) => Shown }[]

export const publicFileRoutes = files.map(({ name, operation, content, shown }) =>
  route(
    {
      ...common,
      path: `/api/v1/public/dishes/{id}/${name}`,
      operation: `public.dishes.${operation}`,
      summary: `${name} of a dish on the menu`,
      params: IdParams,
      query,
      responses: { 200: { description: 'The bytes', content, headers: { etag: 'Of the bytes' } } },
    },
    async ({ params, query, request }, context) => {
      const tenant = await requireTenant(context, query.tenant, request)
      const look = async () => {
        const view = await context.database.tenantTransaction(tenant.id, (tx) => findPublicDish(tx, params.id), { readOnly: true })
        if (view === null) throw problem('resource.not-found', { detail: `there is no dish ${params.id} on the menu` })
        return shown(view)
      }
      return await sendBytes(context, { request, look, headers })
    },
  ),
)

/** @throws tenant.required, tenant.mismatch, resource.not-found */
async function requireTenant(
  { tenants, baseDomain }: MenuContext,
  asked: string | undefined,
  { host, headers }: RequestInfo,
): Promise<PublicTenant> {
  const header = headers['x-tenant-slug']
  const hint = resolveTenantHint({ host, header: Array.isArray(header) ? header.join() : header, baseDomain })
  if (asked !== undefined && hint !== null && asked !== hint) {
    throw problem('tenant.mismatch', { detail: `the request names both tenant "${hint}" and "${asked}"` })
  }
  const slug = asked ?? hint
  if (slug === null) throw problem('tenant.required', { detail: 'name the tenant by host, by X-Tenant-Slug or by ?tenant=' })
  const tenant = await tenants.find(slug)
  if (tenant === null) throw problem('resource.not-found', { detail: `there is no tenant "${slug}"` })
  return tenant
}

function menuBody({ slug, name }: PublicTenant, { menus, uncategorised }: PublicMenuView): z.input<typeof PublicMenu> {
  const dishBody = (view: PublicDishView) => publicDish(view, slug)
  return {
    tenant: { slug, name },
    menus: menus.map(({ menu, categories }) => ({
      id: menu.id,
      name: menu.name,
      description: menu.description,
      categories: categories.map(({ id, name, dishes }) => ({ id, name, dishes: dishes.map(dishBody) })),
    })),
    uncategorised: uncategorised.map(dishBody),
  }
}

function publicDish({ dish, photo, served }: PublicDishView, slug: string): z.input<typeof PublicDish> {
  const { id, name, description, plateDiameterCm } = dish
  const url = (file: string) => `/api/v1/public/dishes/${id}/${file}?tenant=${slug}`
  const shown = photoBody(photo)
  return {
    id,
    name,
    description,
    price: { amount: dish.priceAmount, currency: dish.priceCurrency },
    allergens: dish.allergens,
    photo: shown && { url: url('photo.jpg'), width: shown.width, height: shown.height },
    model: served?.result ? { plain: url('model.glb'), web: url('model.web.glb'), poster: url('poster.webp') } : null,
    plateDiameterCm,
  }
}

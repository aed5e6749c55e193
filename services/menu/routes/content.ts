import { type Contract, routesFor } from '@slipway/http'
import { eq } from 'drizzle-orm'
import type { MenuContext } from '../context.ts'
import { photoOf, requireDish } from '../domain/dish-view.ts'
import type { Output } from '../domain/model.ts'
import { contentTypes } from '../domain/object.ts'
import { models } from '../schema.ts'
import { type Shown, sendBytes, shownOutput, shownPhoto } from './bytes.ts'
import { IdParams } from './representation.ts'

const route = routesFor<MenuContext>()
const headers = { 'cache-control': 'private, no-cache' }

const common = {
  method: 'GET',
  tags: ['dishes'],
  auth: { role: 'viewer', scope: 'menu:read' },
  params: IdParams,
  problems: ['resource.not-found', 'storage.unavailable'],
} as const satisfies Partial<Contract>

type Tx = Parameters<typeof requireDish>[0]

function lookAs({ database }: MenuContext, tenantId: string, look: (tx: Tx) => Promise<Shown>): () => Promise<Shown> {
  return () => database.tenantTransaction(tenantId, look, { readOnly: true })
}

export const getPhoto = route(
  {
    ...common,
    path: '/api/v1/dishes/{id}/photo',
    operation: 'dishes.photo.get',
    summary: 'Read the photo of a dish',
    description: 'Upright, without metadata; the one before as long as a new one is not normalised.',
    responses: { 200: { description: 'The photo', content: 'image/jpeg', headers: { etag: 'Of the bytes' } } },
  },
  async ({ params, tenant, request }, context) => {
    const look = lookAs(context, tenant.id, async (tx) => {
      const dish = await requireDish(tx, params.id)
      return shownPhoto(await photoOf(tx, dish.shownPhotoId))
    })
    return await sendBytes(context, { request, look, headers })
  },
)

const files = [
  { output: 'plain', name: 'model.glb', summary: 'Read the model, in core glTF' },
  { output: 'web', name: 'model.web.glb', summary: 'Read the small model for web pages, with meshopt and WebP' },
  { output: 'poster', name: 'poster.webp', summary: 'Read the picture of the model' },
] as const satisfies readonly { output: Output; name: string; summary: string }[]

export const outputRoutes = files.map(({ output, name, summary }) =>
  route(
    {
      ...common,
      path: `/api/v1/dishes/{id}/${name}`,
      operation: `dishes.${output}.get`,
      summary,
      responses: { 200: { description: 'Of the model that is served', content: contentTypes[output], headers: { etag: 'Of the bytes' } } },
    },
    async ({ params, tenant, request }, context) => {
      const look = lookAs(context, tenant.id, async (tx) => {
        const { servedId } = await requireDish(tx, params.id)
        const [row] = servedId === null ? [] : await tx.select().from(models).where(eq(models.id, servedId))
        return shownOutput(row?.result, output)
      })
      return await sendBytes(context, { request, look, headers })
    },
  ),
)

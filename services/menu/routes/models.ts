import type { Transaction } from '@slipway/db'
import { type IdempotencyHandle, reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { MenuContext } from '../context.ts'
import type { Author } from '../domain/author.ts'
import { lockDish, photoOf, requireDishView } from '../domain/dish-view.ts'
import type { Help } from '../domain/model.ts'
import type { DishRow } from '../domain/model-view.ts'
import { cancelModel, requestModel, retryModel } from '../domain/requests.ts'
import { authorOf } from './author.ts'
import { CropBody, Dish, dishBody, dishExample, IdParams, PlateBody } from './representation.ts'

const route = routesFor<MenuContext>()
const common = { tags: ['dishes'], auth: { role: 'member', scope: 'menu:write' }, params: IdParams } as const
const asked = { description: 'Asked for', schema: Dish, example: dishExample }

const HelpBody = z
  .strictObject({ crop: CropBody.nullish(), plate: PlateBody.nullish() })
  .refine(({ crop, plate }) => !(crop && plate), 'must be either a crop or a plate')
  .refine(({ crop, plate }) => crop !== undefined || plate !== undefined, 'must name crop or plate; null drops the help')
  .nullable()
  .describe('null drops the help')

export const patchModel = route(
  {
    ...common,
    method: 'PATCH',
    path: '/api/v1/dishes/{id}/model',
    operation: 'dishes.model.help',
    summary: 'Help the model: which part of the photo to look at, or where the plate is',
    description: 'Has the model made again. Another photo needs other help, so a new photo drops it.',
    body: HelpBody,
    bodyExample: { crop: { x: 0.1, y: 0.2, width: 0.7, height: 0.6 } },
    responses: { 202: asked },
    problems: ['resource.not-found', 'resource.conflict'],
  },
  (input, context) =>
    change(context, input, async (tx, { author, dish }) => {
      const photo = await photoOf(tx, dish.photoId)
      if (!photo) throw problem('resource.conflict', { detail: 'the dish has no photo' })
      await requestModel(context, author, { tx, dish, photo, help: helpOf(input.body) })
    }),
)

export const retryModelRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/dishes/{id}/model/retry',
    operation: 'dishes.model.retry',
    summary: 'Make the model once more, with all attempts',
    responses: { 202: asked },
    problems: ['resource.not-found', 'job.not-retryable'],
  },
  (input, context) => change(context, input, (tx, { author, dish }) => retryModel(context, author, { tx, dish })),
)

export const cancelModelRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/dishes/{id}/model/cancel',
    operation: 'dishes.model.cancel',
    summary: 'Give up the model that is being made',
    description: 'The one before, if there is one, stays served.',
    responses: { 200: { ...asked, description: 'Cancelled' } },
    problems: ['resource.not-found', 'job.not-retryable'],
  },
  async (input, context) => {
    const author = authorOf(input)
    return await context.database.tenantTransaction(author.tenantId, async (tx) => {
      await cancelModel(context, author, { tx, dish: await lockDish(tx, input.params.id) })
      const answer = reply(200, dishBody(await requireDishView(tx, input.params.id)))
      await input.idempotency.complete(tx, answer)
      return answer
    })
  },
)

type Signed = Parameters<typeof authorOf>[0]

interface Asking extends Signed {
  readonly params: { readonly id: string }
  readonly idempotency: IdempotencyHandle
}

async function change(
  { database }: MenuContext,
  input: Asking,
  apply: (tx: Transaction, target: { author: Author; dish: DishRow }) => Promise<void>,
) {
  const author = authorOf(input)
  return await database.tenantTransaction(author.tenantId, async (tx) => {
    await apply(tx, { author, dish: await lockDish(tx, input.params.id) })
    const answer = reply(202, dishBody(await requireDishView(tx, input.params.id)))
    await input.idempotency.complete(tx, answer)
    return answer
  })
}

function helpOf(body: z.output<typeof HelpBody>): Help | null {
  if (body?.crop) return { crop: body.crop }
  return body?.plate ? { plate: body.plate } : null
}

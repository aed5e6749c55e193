import { Readable } from 'node:stream'
import { replyStream, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { MenuContext } from '../context.ts'
import { progressOf } from '../domain/announce.ts'
import { requireDish, requireDishView } from '../domain/dish-view.ts'
import { goneIsNull } from '../domain/normalise.ts'
import { eventStream } from '../events/event-stream.ts'
import { IdParams } from './representation.ts'

const route = routesFor<MenuContext>()

export const dishEvents = route(
  {
    method: 'GET',
    path: '/api/v1/dishes/{id}/events',
    operation: 'dishes.events',
    summary: 'Follow the model of a dish',
    description:
      'Server-sent events: `progress` with the model as data (`null` without a photo), the present state first; `gone` when the dish is deleted. `Last-Event-ID` brings what was missed. Ends every few minutes: come back then.',
    tags: ['dishes'],
    auth: { role: 'viewer', scope: 'menu:read' },
    params: IdParams,
    headers: z.object({ 'last-event-id': z.string().max(100).optional() }),
    responses: { 200: { description: 'Events until somebody goes', content: 'text/event-stream' } },
    problems: ['resource.not-found', 'service.overloaded', 'rate.limited'],
  },
  async ({ params: { id }, headers, tenant, request }, context) => {
    const { database, events, now } = context
    const look = { readOnly: true } as const
    await database.tenantTransaction(tenant.id, (tx) => requireDish(tx, id), look)
    const present = async () => {
      const view = await database.tenantTransaction(tenant.id, (tx) => requireDishView(tx, id), look).catch(goneIsNull)
      return view && progressOf(view.model)
    }
    const follower = events.follow({ id, tenantId: tenant.id })
    const signal = AbortSignal.any([request.signal, request.closing])
    const lines = eventStream({ follower, present, lastEventId: headers['last-event-id'], signal, now })
    const stream = Readable.from(lines, { objectMode: false })
    // Also when the client is gone before the first line is read.
    stream.once('close', () => follower[Symbol.dispose]())
    return replyStream(200, stream, { headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' } })
  },
)

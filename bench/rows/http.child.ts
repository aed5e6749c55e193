import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAuthenticator } from '@slipway/auth'
import { createHttpApp, listen, reply, routesFor } from '@slipway/http'
import { createLog, httpMetrics } from '@slipway/telemetry'
import express from 'express'
import { answerParent } from '../child.ts'
import { audience, busy, type Callers, Dish, dishOf, issuer, Params, Query } from './dishes.ts'
import { serveFastify } from './fastify.ts'

export interface HttpServerSettings {
  readonly kind: 'slipway' | 'express' | 'fastify'
  readonly callers: Callers
}

/** How long each request holds up the process, for the control. */
export interface Handicap {
  readonly milliseconds: number
}

const handicap = { milliseconds: 0 }

function serveSlipway({ jwk }: Callers): Promise<number> {
  const route = routesFor<undefined>()
  const getDish = route(
    {
      method: 'GET',
      path: '/api/v1/dishes/{id}',
      operation: 'dishes.get',
      summary: 'Read a dish',
      auth: { role: 'viewer', scope: 'dishes:read' },
      params: Params,
      query: Query,
      responses: { 200: { description: 'The dish', schema: Dish } },
    },
    async ({ params, query }) => {
      busy(handicap.milliseconds)
      return reply(200, dishOf(params.id, query.limit))
    },
  )
  const source = {
    keySet: async () => ({ keys: [jwk] }),
    revocations: async () => ({ items: [], now: Date.now() }),
    verifyKey: async () => ({ valid: false as const, reason: 'unknown' as const }),
  }
  const metrics = httpMetrics()
  const app = createHttpApp({
    routes: [getDish],
    context: undefined,
    auth: createAuthenticator({ source, issuer, audience }),
    log: createLog({ name: 'bench' }),
    onRequestBegin: metrics ? ({ method }) => metrics.begin(method) : undefined,
    onRequestEnd: metrics ? (end) => metrics.record(end) : undefined,
  })
  return listen(app, { host: '127.0.0.1', port: 0 }).then(({ port }) => port)
}

/** Express with what costs most turned off, and nothing else. */
async function serveExpress(): Promise<number> {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', false)
  app.get('/api/v1/dishes/:id', (request, response) => {
    busy(handicap.milliseconds)
    response.json(dishOf(request.params.id, 20))
  })
  const server = createServer(app)
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => void server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

function serve({ kind, callers }: HttpServerSettings): Promise<number> {
  if (kind === 'express') return serveExpress()
  return kind === 'fastify' ? serveFastify(callers) : serveSlipway(callers)
}

answerParent(async (question: HttpServerSettings | Handicap) => {
  if ('kind' in question) return serve(question)
  Object.assign(handicap, question)
  return null
})

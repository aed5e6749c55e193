import type { AddressInfo } from 'node:net'
import helmet from '@fastify/helmet'
import jwt from '@fastify/jwt'
import { createLog } from '@slipway/telemetry'
import fastify from 'fastify'
import { z } from 'zod'
import { audience, type Callers, Dish, dishOf, issuer, Params, Query } from './dishes.ts'

/**
 * Fastify as its own documentation would have it, with the plug-ins that make it do what our stack does: helmet, JWT (verified tokens are
 * cached, as ours are), compiled zod for parameters, its own serializer for answers, problems for errors, and the same line of log per
 * request.
 */
export async function serveFastify({ pem }: Callers): Promise<number> {
  const app = fastify({ routerOptions: { caseSensitive: true } })
  const log = createLog({ name: 'bench' })
  await app.register(helmet)
  await app.register(jwt, {
    secret: { public: pem },
    verify: { algorithms: ['EdDSA'], allowedIss: issuer, allowedAud: audience, cache: true },
  })
  app.setValidatorCompiler(({ schema }) => {
    const compiled = z.compile(schema as z.ZodType)
    return (value) => {
      const result = compiled.safeParse(value)
      return result.success ? { value: result.data } : { error: result.error }
    }
  })
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, answer) => {
    const status = error.statusCode ?? 500
    return answer.code(status).type('application/problem+json').send({ status, title: error.message })
  })
  app.addHook('onRequest', async (request) => {
    await request.jwtVerify()
  })
  app.addHook('onResponse', async (request, answer) => {
    const { id, method, ip, headers, routeOptions } = request
    const { statusCode: status, elapsedTime } = answer
    const fields = { requestId: id, method, route: routeOptions.url, path: request.url, status, ip, userAgent: headers['user-agent'] }
    log.info({ ...fields, milliseconds: Math.round(elapsedTime) }, 'request')
  })
  const response = { 200: z.toJSONSchema(Dish, { target: 'draft-7' }) }
  app.get<{ Params: z.output<typeof Params>; Querystring: z.output<typeof Query> }>(
    '/api/v1/dishes/:id',
    { schema: { params: Params, querystring: Query, response } },
    async ({ params, query }) => dishOf(params.id, query.limit),
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

import { createHash } from 'node:crypto'
import { type Route, routesFor } from './contract.ts'
import { strongEtag } from './etag.ts'
import { type ApiInfo, openApiDocument } from './openapi.ts'
import { reply } from './reply.ts'

/** `GET /api/v1/<service>/openapi.json`. The document is made once, when the process starts. */
export function openApiRoute<Context>(service: string, routes: readonly Route<Context>[], info: ApiInfo): Route {
  const body = JSON.stringify(openApiDocument(routes, info))
  const etag = strongEtag(createHash('sha256').update(body).digest('base64url').slice(0, 22))
  return routesFor<unknown>()(
    {
      method: 'GET',
      path: `/api/v1/${service}/openapi.json`,
      operation: `${service}.openapi`,
      summary: 'The OpenAPI document of this service',
      auth: 'none',
      hidden: true,
      responses: { 200: { description: 'OpenAPI 3.1', content: 'application/json' } },
    },
    async () => reply(200, body, { headers: { etag } }),
  )
}

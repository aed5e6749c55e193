export { createHttpApp, type HttpAppOptions, mount, type RequestEnd } from './app.ts'
export { anyType, type Bytes, bytes } from './bytes.ts'
export {
  type AuthRequirement,
  type Contract,
  type Input,
  type Method,
  type RateRule,
  type ReplyOf,
  type RequestInfo,
  type ResponseContract,
  type Route,
  routesFor,
  type Tenant,
} from './contract.ts'
export { decodeCursor, encodeCursor, type Page, page, pageOf, pageQuery } from './cursor.ts'
export { type DocumentSource, docsRoutes } from './docs.ts'
export { isNotModified, notModified, requireIfMatch, requiresAbsence, strongEtag } from './etag.ts'
export type { IdempotencyHandle, IdempotencyStore } from './idempotency.ts'
export { createIdempotencyStore, migrations, removeExpiredKeys } from './idempotency-store.ts'
export { type HttpServer, type ListenOptions, listen } from './listen.ts'
export type { HttpLog } from './log.ts'
export { type Multipart, multipart, type Parts, type UploadedFile } from './multipart.ts'
export { type ApiInfo, openApiDocument } from './openapi.ts'
export { problemSchema } from './openapi-problems.ts'
export { openApiRoute } from './openapi-route.ts'
export type { BoundRoute } from './pipeline.ts'
export { problemRoutes } from './problem-routes.ts'
export { createRateLimiter, networkOf, type RateLimiter } from './rate-limit.ts'
export { type AnyReply, type Reply, reply, replyStream, type StreamReply } from './reply.ts'
export { Moment, Text } from './values.ts'

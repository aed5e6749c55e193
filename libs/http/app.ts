import { context } from '@opentelemetry/api'
import { problem } from '@slipway/problem'
import { serverSpans } from '@slipway/telemetry/server-span'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Route } from './contract.ts'
import { type Exchange, exchangeOf, openExchange } from './exchange.ts'
import { sendFailure } from './failure.ts'
import type { IdempotencyStore } from './idempotency.ts'
import { type BoundRoute, type PipelineOptions, serveRoute } from './pipeline.ts'
import { answerHeaders, sendRendered } from './send.ts'

export interface RequestEnd {
  /** Pattern of the route; null when none matched. */
  readonly route: string | null
  readonly operation: string | null
  readonly method: string
  /** 499 when the client went away first. */
  readonly status: number
  readonly seconds: number
}

export interface MountOptions {
  idempotency?: IdempotencyStore | undefined
}

export interface HttpAppOptions<Context> extends PipelineOptions, MountOptions {
  /** Routes of one service with its context and `idempotency`. */
  routes?: readonly Route<Context>[] | undefined
  context?: Context | undefined
  /** Routes of further services, each with its own context: `mount(routes, context, { idempotency })`. */
  mounts?: readonly (readonly BoundRoute[])[] | undefined
  /** Addresses and ranges whose X-Forwarded-* headers are believed; names like `loopback` are known. */
  trustedProxies?: readonly string[] | undefined
  /** Told of every request that begins; `onRequestEnd` follows for each. */
  onRequestBegin?: ((begin: Pick<RequestEnd, 'method'>) => void) | undefined
  onRequestEnd?: ((end: RequestEnd) => void) | undefined
  /** Handlers that no contract can describe; they come before the routes. */
  extend?: ((app: Express) => void) | undefined
}

/** Ties routes to the context and to the idempotency records of their service. */
export function mount<Context>(routes: readonly Route<Context>[], context: Context, options: MountOptions = {}): BoundRoute[] {
  return routes.map((route) => ({ route: route as Route, context, idempotency: options.idempotency ?? null }))
}

/** The Express application of one listener. It does not listen. */
export function createHttpApp<Context>(options: HttpAppOptions<Context>): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', false)
  app.set('trust proxy', options.trustedProxies ? [...options.trustedProxies] : false)
  app.enable('case sensitive routing')
  app.use(enter(options))
  if (options.extend) extend(app, options.extend)
  for (const [path, group] of byPath(allRoutes(options))) mountPath(app, { path, group, options })
  app.use(({ path }) => {
    throw problem('route.not-found', { detail: `nothing is served at ${path.slice(0, 200)}` })
  })
  // oxlint-disable-next-line eslint/max-params -- Express tells error handlers by their four parameters
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    void sendFailure(exchangeOf(request, response), error, options.log)
  })
  return app
}

function allRoutes<Context>({ routes = [], context, idempotency, mounts = [] }: HttpAppOptions<Context>): BoundRoute[] {
  return [...mount(routes, context as Context, { idempotency }), ...mounts.flat()]
}

/** Opens the books on a request, and closes them when its connection is done with it. */
function enter(options: Pick<HttpAppOptions<unknown>, 'log' | 'onRequestBegin' | 'onRequestEnd'>): express.RequestHandler {
  const { log, onRequestBegin, onRequestEnd } = options
  const inSpan = serverSpans()
  const open: express.RequestHandler = (request, response, next) => {
    const exchange = openExchange(request, response)
    onRequestBegin?.(exchange)
    const close = () => {
      exchange.closed()
      const end = summary(exchange)
      log[isRoutine(end) ? 'debug' : 'info'](accessFields(exchange, end), 'request')
      onRequestEnd?.(end)
    }
    // The connection closes outside of the span, and the line in the log is to name it. Not context.bind(): it costs several times more.
    const span = context.active()
    response.once('close', () => context.with(span, close))
    next()
  }
  if (!inSpan) return open
  return (request, response, next) => inSpan(request, response, () => void open(request, response, next))
}

/** What probes ask every few seconds says nothing as long as the answer is good. */
function isRoutine({ operation, status }: RequestEnd): boolean {
  return status < 400 && operation?.startsWith('health.') === true
}

function summary({ route, operation, method, response, started, refused }: Exchange): RequestEnd {
  const status = response.writableFinished || refused ? response.statusCode : 499
  return { route, operation, method, status, seconds: (performance.now() - started) / 1000 }
}

/** Without the query: people put secrets there. */
function accessFields(exchange: Exchange, { method, route, status, seconds }: RequestEnd): object {
  const { id: requestId, traceId, path, ip, userAgent, tenant, principal, operation } = exchange
  return {
    requestId,
    traceId,
    method,
    route,
    operation,
    path,
    status,
    milliseconds: Math.round(seconds * 1000),
    ip,
    userAgent,
    tenant: tenant?.slug,
    principal: principal ? `${principal.kind}:${principal.id}` : undefined,
  }
}

function extend(app: Express, add: (app: Express) => void): void {
  app.use((request, response, next) => {
    response.setHeaders(new Map(Object.entries(answerHeaders(exchangeOf(request, response))) as [string, string][]))
    next()
  })
  add(app)
}

/** Literal paths before those with parameters, so that `/files/usage` is not taken for a file. */
function byPath(routes: readonly BoundRoute[]): Map<string, BoundRoute[]> {
  const groups = new Map<string, BoundRoute[]>()
  const sorted = [...routes].sort((a, b) => (specificity(a.route.path) < specificity(b.route.path) ? -1 : 1))
  for (const bound of sorted) groups.set(bound.route.path, [...(groups.get(bound.route.path) ?? []), bound])
  return groups
}

function specificity(path: string): string {
  return path.replace(/\{[^}]+\}/g, '￿')
}

interface PathGroup {
  path: string
  group: readonly BoundRoute[]
  options: PipelineOptions
}

function mountPath(app: Express, { path, group, options }: PathGroup): void {
  const route = app.route(path.replace(/\{(\w+)\}/g, ':$1'))
  const allow = allowed(group)
  for (const bound of group) route[verb(bound)](serveRoute(bound, options))
  route.all(otherMethods(path, allow))
}

function otherMethods(path: string, allow: string): express.RequestHandler {
  return async (request, response) => {
    const exchange = exchangeOf(request, response)
    exchange.matched(path)
    if (request.method === 'OPTIONS') return sendRendered(exchange, { status: 204, headers: { allow }, body: null })
    throw problem('route.method-not-allowed', { detail: `${path} has ${allow}, not ${request.method}`, headers: { allow } })
  }
}

function verb({ route }: BoundRoute): 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options' {
  const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete', OPTIONS: 'options' } as const
  return verbs[route.method]
}

function allowed(group: readonly BoundRoute[]): string {
  const methods = group.map(({ route }) => route.method as string)
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].sort().join(', ')
}

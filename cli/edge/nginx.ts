import { type ProblemCode, problem } from '@slipway/problem'
import { type AnyManifest, type EdgeRoute, routeTable } from '@slipway/service'

const origin = '# Generated from the declarations by `./slipway generate`; a test fails when this file and they differ.'

/** What every API can serve for the whole installation: one is asked. */
const documentation = ['/docs', '/problems']

/**
 * The route table as nginx reads it: an upstream for each API, and a map from the path of a request to the name of its upstream, which is
 * empty where nothing is served. Names are looked up again and again, so that an API may come back with another address.
 */
export function nginxRoutes(manifests: readonly AnyManifest[]): string {
  const table = routeTable(manifests)
  const asked = manifests[0]?.name
  const own = asked === undefined ? [] : documentation.map((prefix) => ({ prefix, service: asked }))
  const services = manifests.map(({ name }) => name)
  return `${[origin, ...services.map(upstream), map([...table, ...own])].join('\n\n')}\n`
}

function upstream(service: string): string {
  return [
    `upstream ${service} {`,
    `    zone ${service} 64k;`,
    `    server \${EDGE_UPSTREAM_PREFIX}${service}-api\${EDGE_UPSTREAM_SUFFIX}:\${EDGE_UPSTREAM_PORT} resolve max_fails=0;`,
    '    keepalive 32;',
    '}',
  ].join('\n')
}

function map(routes: readonly EdgeRoute[]): string {
  const lines = routes.map(({ prefix, service }) => `    "~^${prefix.replaceAll('.', '\\.')}(/|$)" ${service};`)
  return ['map $uri $slipway_upstream {', '    default "";', ...lines, '}'].join('\n')
}

interface Refusal {
  /** What nginx says by itself. */
  readonly statuses: readonly number[]
  readonly code: ProblemCode
  readonly headers?: Readonly<Record<string, string>>
}

/** 494 is nginx's own number for header fields that are too large, before anybody sees it. */
const refusals: readonly Refusal[] = [
  { statuses: [400], code: 'request.malformed' },
  { statuses: [403, 404], code: 'route.not-found' },
  { statuses: [405], code: 'route.method-not-allowed', headers: { Allow: 'GET, HEAD' } },
  { statuses: [408], code: 'request.timeout' },
  { statuses: [413], code: 'request.too-large' },
  { statuses: [414, 494], code: 'request.header-fields-too-large' },
  { statuses: [416], code: 'range.not-satisfiable' },
  { statuses: [500], code: 'internal.error' },
  { statuses: [502, 503, 504], code: 'service.not-ready', headers: { 'Retry-After': '2' } },
]

/** What nginx answers by itself, in the form that every service uses (RFC 9457). */
export function nginxProblems(): string {
  return `${[origin, ...refusals.map(refusal)].join('\n\n')}\n`
}

function refusal({ statuses, code, headers = {} }: Refusal): string {
  const { status, ...details } = problem(code).details()
  const lines = Object.entries({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers })
  return [
    `error_page ${statuses.join(' ')} =${status} /.problem/${code};`,
    `location = /.problem/${code} {`,
    '    internal;',
    '    default_type application/problem+json;',
    ...lines.map(([name, value]) => `    add_header ${name} "${value}" always;`),
    `    return ${status} '${JSON.stringify({ status, ...details })}';`,
    '}',
  ].join('\n')
}

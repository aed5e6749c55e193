import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'

/** RFC 9110 §7.6.1: they belong to one connection and are not passed on. `expect` was answered by the edge itself. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
])

/** What a client says about where it comes from is not believed: this edge is the first one. */
const claimed: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
])

/** A client may not name these in `Connection`: without them the upstream would take a body for the next request. */
const indispensable: ReadonlySet<string> = new Set(['content-length', 'host', 'transfer-encoding'])

/** The request as the upstream gets it: the same host, so that tenants' subdomains stay visible. */
export function upstreamHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  const { headers, socket } = request
  return {
    ...endToEnd(headers, (name) => claimed.has(name)),
    'x-forwarded-for': socket.remoteAddress ?? '127.0.0.1',
    'x-forwarded-proto': 'http',
    ...(headers.host === undefined ? {} : { 'x-forwarded-host': headers.host }),
  }
}

/** The response as the client gets it; its framing is this connection's own. */
export function clientHeaders(answer: IncomingMessage): OutgoingHttpHeaders {
  return endToEnd(answer.headers, (name) => name === 'transfer-encoding')
}

function endToEnd(headers: IncomingHttpHeaders, isDropped: (name: string) => boolean): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const isOfConnection = (name: string) => hopByHop.has(name) || (named.has(name) && !indispensable.has(name))
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isOfConnection(name) && !isDropped(name)))
}

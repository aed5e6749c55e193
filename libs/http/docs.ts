import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Route, routesFor } from './contract.ts'
import { escapeHtml, pageHeaders } from './html.ts'
import { reply, replyStream } from './reply.ts'

const route = routesFor<unknown>()

export interface DocumentSource {
  readonly title: string
  /** Where the document is served: `/api/v1/files/openapi.json`. */
  readonly url: string
}

interface DocsOptions {
  title: string
  sources: readonly DocumentSource[]
}

/** `/docs`: every service's document in one page of Scalar, served from our own files; the page may load nothing from elsewhere. */
export function docsRoutes({ title, sources }: DocsOptions): Route[] {
  const settings = JSON.stringify(scalarSettings(sources))
  return [
    textRoute({ path: '/docs', operation: 'docs.page', content: 'text/html; charset=utf-8' }, html(title)),
    textRoute({ path: '/docs/start.js', operation: 'docs.start', content: 'text/javascript; charset=utf-8' }, startScript(settings)),
    scalarRoute,
  ]
}

/** Nothing that talks to the vendor: no fonts, proxy, telemetry, agent or MCP generator. */
function scalarSettings(sources: readonly DocumentSource[]): object {
  return {
    sources: sources.map(({ title, url }, index) => ({ title, url, slug: slugOf(title), default: index === 0 })),
    withDefaultFonts: false,
    telemetry: false,
    proxyUrl: '',
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',
    hideClientButton: true,
    persistAuth: false,
  }
}

function slugOf(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}

function html(title: string): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>` +
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><div id="app"></div>' +
    '<script src="/docs/scalar.js"></script><script src="/docs/start.js"></script></body></html>'
  )
}

function startScript(settings: string): string {
  return `Scalar.createApiReference('#app', ${settings})\n`
}

interface TextRoute {
  path: `/${string}`
  operation: string
  content: string
}

function textRoute({ path, operation, content }: TextRoute, body: string): Route {
  return route(
    {
      method: 'GET',
      path,
      operation,
      summary: 'Part of the browsable documentation',
      auth: 'none',
      hidden: true,
      responses: { 200: { description: 'Page or script', content } },
    },
    async () => reply(200, body, { headers: { ...docsPolicy, 'cache-control': 'no-cache' } }),
  )
}

/** Scalar styles its elements inline; scripts come from files only. */
const docsPolicy = pageHeaders({
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'connect-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'", 'data:'],
  'worker-src': ["'self'", 'blob:'],
})

const compressed = promisify(gzip)
let bundle: Promise<{ plain: Buffer; gzip: Buffer }> | null = null

/** Read and compressed at its first request and kept: 4 MB that most processes never need. */
async function loadBundle(): Promise<{ plain: Buffer; gzip: Buffer }> {
  const entry = fileURLToPath(import.meta.resolve('@scalar/api-reference'))
  const plain = await readFile(entry.replace(/dist[/\\]index\.js$/, 'dist/browser/standalone.js'))
  return { plain, gzip: await compressed(plain) }
}

const scalarRoute: Route = route(
  {
    method: 'GET',
    path: '/docs/scalar.js',
    operation: 'docs.scalar',
    summary: 'The Scalar bundle',
    auth: 'none',
    hidden: true,
    responses: { 200: { description: 'Script', content: 'text/javascript' } },
  },
  async ({ request }) => {
    bundle ??= loadBundle()
    const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    const body = await bundle.then((loaded) => (zipped ? loaded.gzip : loaded.plain))
    return replyStream(200, Readable.from([body]), {
      headers: {
        'content-type': 'text/javascript; charset=utf-8',
        'content-length': body.length,
        'cache-control': 'public, max-age=86400',
        vary: 'accept-encoding',
        ...(zipped ? { 'content-encoding': 'gzip' } : {}),
      },
    })
  },
)

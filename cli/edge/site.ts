import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { problem } from '@slipway/problem'
import { answerProblem } from './answer.ts'

export interface SiteOptions {
  readonly folder: string
  /** Paths that are answered with the one page, which finds out itself what they mean. */
  readonly isPage: (path: string) => boolean
  readonly pageHeaders: () => Readonly<Record<string, string>>
  /** Of files under `/assets/`, whose names change with their content. */
  readonly assetCacheControl: string
}

interface SiteFile {
  readonly plain: Buffer
  readonly gzipped: Buffer
  readonly etag: string
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
}

const served = /^\/(assets\/[\w.-]+|[\w-]+\.(svg|png|js|wasm))$/

/** The built console, read from its folder when first asked for. False: the path is none of it. */
export function siteServer(options: SiteOptions): (request: IncomingMessage, response: ServerResponse, path: string) => boolean {
  const files = new Map<string, SiteFile>()
  return (request, response, path) => {
    const name = nameOf(path, options)
    if (name === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false
    const file = files.get(name) ?? readSiteFile(join(options.folder, name))
    if (file === null) {
      if (name !== 'index.html') return false
      const detail = 'the console is not built yet'
      answerProblem(request, response, problem('service.not-ready', { detail, retryAfter: 2 }))
      return true
    }
    // The page is read anew each time: while the stack starts it may be the one of the last build.
    if (name !== 'index.html') files.set(name, file)
    answerFile(request, response, { file, name, options })
    return true
  }
}

function nameOf(path: string, { isPage }: SiteOptions): string | undefined {
  if (served.test(path) && !path.includes('..')) return path.slice(1)
  return isPage(path) ? 'index.html' : undefined
}

function readSiteFile(file: string): SiteFile | null {
  try {
    const plain = readFileSync(file)
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
    return { plain, gzipped: gzipSync(plain, { level: 9 }), etag }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

interface FileAnswer {
  readonly file: SiteFile
  readonly name: string
  readonly options: SiteOptions
}

function answerFile(request: IncomingMessage, response: ServerResponse, { file, name, options }: FileAnswer): void {
  const inGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  const body = inGzip ? file.gzipped : file.plain
  const caching = name.startsWith('assets/') ? options.assetCacheControl : 'no-cache'
  const headers = {
    'cache-control': caching,
    ...(name === 'index.html' ? options.pageHeaders() : {}),
    'x-content-type-options': 'nosniff',
    etag: file.etag,
    vary: 'accept-encoding',
  }
  if (request.headers['if-none-match'] === file.etag) return void response.writeHead(304, headers).end()
  response.writeHead(200, {
    ...headers,
    'content-type': types[extname(name)] ?? 'application/octet-stream',
    'content-length': body.length,
    ...(inGzip ? { 'content-encoding': 'gzip' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

import { type ProblemCode, problem, problems } from '@slipway/problem'
import { z } from 'zod'
import { type Route, routesFor } from './contract.ts'
import { escapeHtml, pageHeaders } from './html.ts'
import { type Reply, reply } from './reply.ts'

const route = routesFor<unknown>()
const pageContent = 'text/html; charset=utf-8'
const policy = pageHeaders({})

interface Definition {
  type: string
  code: string
  status: number
  title: string
  retryable: boolean
}

/** `/problems/{code}`: what the `type` of a problem points to, as a page for people and as JSON for programs; `/problems` has all. */
export const problemRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/problems',
      operation: 'problems.list',
      summary: 'All problems of the platform',
      auth: 'none',
      hidden: true,
      responses: { 200: { description: 'The error table', content: pageContent } },
    },
    async ({ request }) => represent(request.headers.accept, codes().map(define)),
  ),
  route(
    {
      method: 'GET',
      path: '/problems/{code}',
      operation: 'problems.get',
      summary: 'What a problem means',
      auth: 'none',
      hidden: true,
      params: z.object({ code: z.string().max(100) }),
      responses: { 200: { description: 'One entry of the error table', content: pageContent } },
    },
    async ({ params, request }) => {
      const code = codes().find((known) => known === params.code)
      if (!code) throw problem('resource.not-found', { detail: `there is no problem "${params.code}"` })
      return represent(request.headers.accept, define(code))
    },
  ),
]

function codes(): ProblemCode[] {
  return (Object.keys(problems) as ProblemCode[]).sort()
}

function define(code: ProblemCode): Definition {
  return { type: `/problems/${code}`, code, ...problems[code] }
}

/** HTML for whoever asks for it by name, as browsers do. */
function represent(accept: string | undefined, content: Definition | Definition[]): Reply<200, string> {
  const headers = { ...policy, vary: 'accept', 'cache-control': 'public, max-age=3600' }
  if (!accept?.includes('text/html')) {
    return reply(200, JSON.stringify(content), { headers: { ...headers, 'content-type': 'application/json; charset=utf-8' } })
  }
  return reply(200, Array.isArray(content) ? listPage(content) : definitionPage(content), { headers })
}

function listPage(definitions: readonly Definition[]): string {
  const rows = definitions.map(
    ({ type, code, status, title }) => `<tr><td>${status}</td><td><a href="${type}">${code}</a></td><td>${escapeHtml(title)}</td></tr>`,
  )
  return htmlPage('Problems', `<table>${rows.join('')}</table>`)
}

function definitionPage({ code, status, title, retryable }: Definition): string {
  const advice = retryable
    ? 'The same request may succeed later: wait as long as <code>Retry-After</code> says.'
    : 'The same request will fail again: change it first.'
  return htmlPage(
    code,
    `<p><strong>${escapeHtml(title)}</strong> (HTTP ${status})</p><p>${advice}</p><p><a href="/problems">All problems</a></p>`,
  )
}

function htmlPage(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head><body><h1>${escapeHtml(title)}</h1>${body}</body></html>`
}

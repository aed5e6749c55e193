import type { IncomingMessage, ServerResponse } from 'node:http'
import { listPage, mailPage } from './mail-page.ts'
import type { Mailbox } from './mailbox.ts'

/** Serves `/dev/mail` and `/dev/mail/{id}`: JSON, or a page for who asks for `text/html`. DELETE removes. */
export async function serveMail(mailbox: Mailbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const match = /^\/dev\/mail(?:\/([^/]*))?\/?$/.exec(pathname)
  const handler = handlers[request.method ?? '']
  if (!match) return answer(response, 404, { title: 'Not found' })
  if (!handler) return answer(response, 405, { title: 'Method not allowed' }, { allow: 'GET, HEAD, DELETE' })
  await handler(mailbox, match[1] || undefined, { request, response })
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
}

type Handler = (mailbox: Mailbox, id: string | undefined, exchange: Exchange) => void | Promise<void>

const handlers: Partial<Record<string, Handler>> = { GET: show, HEAD: show, DELETE: remove }

function show(mailbox: Mailbox, id: string | undefined, { request, response }: Exchange): void {
  const wantsPage = request.headers.accept?.includes('text/html') ?? false
  if (id === undefined) {
    const mails = mailbox.list()
    return wantsPage ? answer(response, 200, listPage(mails)) : answer(response, 200, { items: mails })
  }
  const mail = mailbox.find(id)
  if (!mail) return answer(response, 404, { title: `There is no mail ${id}` })
  answer(response, 200, wantsPage ? mailPage(mail) : mail)
}

async function remove(mailbox: Mailbox, id: string | undefined, { response }: Exchange): Promise<void> {
  if (id === undefined) await mailbox.clear()
  else if (!(await mailbox.remove(id))) return answer(response, 404, { title: `There is no mail ${id}` })
  answer(response, 204)
}

const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-src 'self'"

/** Text goes out as a page, anything else as JSON. */
function answer(
  response: ServerResponse,
  status: number,
  ...[body, headers = {}]: [body?: string | object, headers?: Record<string, string>]
): void {
  const type = typeof body === 'string' ? 'text/html; charset=utf-8' : 'application/json'
  const content = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(content) }),
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : content)
}

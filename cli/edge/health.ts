import type { ServerResponse } from 'node:http'
import { problem } from '@slipway/problem'
import { answerJson } from './answer.ts'
import type { Upstream } from './edge.ts'

interface Answer {
  status: number
  body: Record<string, unknown>
}

/**
 * The health of the installation behind the edge, in the form that each process gives its own: `/health/live` is the edge itself,
 * `/health/ready` the worst of all APIs, `/health` one word.
 */
export function edgeHealth(upstreams: readonly Upstream[]): (path: string, response: ServerResponse) => boolean {
  return (path, response) => {
    if (path === '/health/live') answerJson(response, 200, { body: { status: 'ok' } })
    else if (path === '/health/ready') void answerReadiness(response, { upstreams, brief: false })
    else if (path === '/health') void answerReadiness(response, { upstreams, brief: true })
    else return false
    return true
  }
}

interface ReadinessOptions {
  upstreams: readonly Upstream[]
  brief: boolean
}

async function answerReadiness(response: ServerResponse, { upstreams, brief }: ReadinessOptions): Promise<void> {
  const answers = await Promise.all(upstreams.map(ask))
  const failed = answers.find((answer) => answer.status !== 200)
  if (failed) return answerJson(response, 503, { type: 'application/problem+json', headers: { 'retry-after': '2' }, body: failed.body })
  const checks = Object.assign({}, ...answers.map((answer) => answer.body['checks'] ?? {})) as Record<string, unknown>
  const status = answers.some((answer) => answer.body['status'] === 'degraded') ? 'degraded' : 'ok'
  answerJson(response, 200, { body: brief ? { status: 'ok' } : { status, checks } })
}

async function ask({ name, port }: Upstream): Promise<Answer> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(5000) })
    return { status: answer.status, body: ((await answer.json()) ?? {}) as Record<string, unknown> }
  } catch {
    return {
      status: 503,
      body: { ...problem('service.not-ready', { detail: `${name} does not answer` }).details({ instance: '/health/ready' }) },
    }
  }
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type KubernetesSecret, type SecretsApi, secretsApi } from './kubernetes.ts'

/** The Secrets of one namespace, as the API server keeps them: versions, merge patches, conflicts. */
export interface FakeCluster extends AsyncDisposable {
  readonly api: SecretsApi
  readonly secrets: Map<string, KubernetesSecret>
  readonly asked: string[]
  /** Called once before the next write is looked at: what somebody else does meanwhile. */
  meanwhile: (() => void) | null
  /** Answers every request with this. */
  failing: number | null
  value(name: string, key: string): string | undefined
}

const token = 'token-of-the-account'

export async function fakeCluster(): Promise<FakeCluster> {
  const secrets = new Map<string, KubernetesSecret>()
  let version = 1
  const put = (secret: KubernetesSecret) =>
    secrets.set(secret.metadata.name, { ...secret, metadata: { ...secret.metadata, resourceVersion: String(version++) } })
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const name = (request.url ?? '').split('/')[2] ?? ''
    const body = request.method === 'GET' ? null : ((await json(request)) as KubernetesSecret)
    cluster.asked.push(`${request.method} ${name || body?.metadata.name} ${request.headers['content-type'] ?? ''}`.trim())
    const answer = (status: number, content: object = {}) => response.writeHead(status).end(JSON.stringify(content))
    if (cluster.failing !== null) return answer(cluster.failing, { message: 'no' })
    if (request.headers.authorization !== `Bearer ${token}`) return answer(401)
    if (body === null) return secrets.has(name) ? answer(200, secrets.get(name)) : answer(404)
    cluster.meanwhile?.()
    cluster.meanwhile = null
    if (request.method === 'POST') {
      if (secrets.has(body.metadata.name)) return answer(409)
      put(body)
      return answer(201)
    }
    const present = secrets.get(name)
    if (!present) return answer(404)
    if (body.metadata.resourceVersion !== present.metadata.resourceVersion) return answer(409)
    put({ ...present, data: { ...present.data, ...body.data } })
    return answer(200)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cluster: FakeCluster = {
    api: secretsApi({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secrets`, token }),
    secrets,
    asked: [],
    meanwhile: null,
    failing: null,
    value: (name, key) => {
      const value = secrets.get(name)?.data?.[key]
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8')
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return cluster
}

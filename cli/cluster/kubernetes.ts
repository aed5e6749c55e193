import { readFileSync } from 'node:fs'
import type { Environment } from '@slipway/config'
import { Failure } from '../failure.ts'

/** The part of a Secret that is read and written. Values are in base64. */
export interface KubernetesSecret {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string; readonly labels?: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
}

/** Secrets of the namespace that this pod runs in. */
export interface SecretsApi {
  /** Null: there is none. */
  get(name: string): Promise<KubernetesSecret | null>
  /** False: somebody else made it meanwhile. */
  create(secret: KubernetesSecret): Promise<boolean>
  /** Adds what the merge patch says; false when it is not the version any more that the patch names. */
  patch(secret: KubernetesSecret): Promise<boolean>
}

const account = '/var/run/secrets/kubernetes.io/serviceaccount'
const patience = 10_000
const unreachable = 'let NetworkPolicies reach it: value networkPolicies.kubernetesApi has the addresses and ports behind its Service'

/** @throws {Failure} when this is no pod with the token of its account */
export function secretsOfThisNamespace(environment: Environment): SecretsApi {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  if (!host) throw new Failure('this is no pod: KUBERNETES_SERVICE_HOST is not set', { fix: 'let the Job of the Helm chart run it' })
  const read = (file: string) => readFileSync(`${account}/${file}`, 'utf8').trim()
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return secretsApi({ url: `${server}/api/v1/namespaces/${read('namespace')}/secrets`, token: read('token') })
}

export function secretsApi({ url, token }: { url: string; token: string }): SecretsApi {
  const ask = async (method: string, path: string, body?: { type: string; content: object }) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...(body ? { 'content-type': body.type } : {}) },
      signal: AbortSignal.timeout(patience),
      ...(body ? { body: JSON.stringify(body.content) } : {}),
    }).catch((cause: unknown) => {
      const { host } = new URL(url)
      throw new Failure(`the API server of Kubernetes at ${host} does not answer`, { cause, fix: unreachable })
    })
    const text = await answer.text()
    return { status: answer.status, text, fault: () => new Error(`${method} ${path || '/'}: ${answer.status} ${text.slice(0, 500)}`) }
  }
  return {
    async get(name) {
      const { status, text, fault } = await ask('GET', `/${name}`)
      if (status === 404) return null
      if (status !== 200) throw fault()
      return JSON.parse(text) as KubernetesSecret
    },
    async create(secret) {
      const { status, fault } = await ask('POST', '', {
        type: 'application/json',
        content: { apiVersion: 'v1', kind: 'Secret', ...secret },
      })
      if (status !== 201 && status !== 409) throw fault()
      return status === 201
    },
    async patch(secret) {
      const { status, fault } = await ask('PATCH', `/${secret.metadata.name}`, { type: 'application/merge-patch+json', content: secret })
      if (status !== 200 && status !== 409) throw fault()
      return status === 200
    },
  }
}

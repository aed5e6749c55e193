import { createClient, type TokenSource } from '@slipway/client'
import type { AnswerOf, CallKey, InputOf } from './calls.ts'

export interface Api {
  /** `await api.call('GET /api/v1/files/{id}', { params: { id } })` @throws ApiProblem, or what `fetch` throws */
  call<Key extends CallKey>(key: Key, ...input: InputOf<Key>): Promise<AnswerOf<Key>>
}

/** The platform's client with types from its OpenAPI documents: the console may not import services, not even their types. */
export function createApi(token?: TokenSource): Api {
  const client = createClient<never>({ baseUrl: location.origin, ...(token ? { token } : {}) })
  const send = (key: string, input: unknown) =>
    (client.call as unknown as (key: string, input: unknown) => Promise<{ body: unknown }>)(key, input)
  return {
    async call<Key extends CallKey>(key: Key, ...[input]: InputOf<Key>) {
      const { body } = await send(key, input)
      // The generated types say what the contract of this key answers.
      return body as AnswerOf<Key>
    },
  }
}

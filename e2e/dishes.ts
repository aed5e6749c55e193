import { call, expectStatus, until } from './client.ts'

export interface Model {
  id: string
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  step: string | null
  progress: number
  attempt: number
  jobId: string
  error: { code: string; detail: string } | null
  result: {
    method: string
    confidence: number
    warnings: string[]
    files: Record<'plain' | 'web' | 'poster', { bytes: number; url: string }>
  } | null
}

export interface Dish {
  id: string
  name: string
  price: { amount: number; currency: string }
  position: number
  visible: boolean
  photo: { id: string; width: number; height: number; sha256: string; url: string } | null
  model: Model | null
  served: string | null
  etag: string
}

export interface PublicDish {
  id: string
  name: string
  photo: { url: string } | null
  model: { plain: string; web: string; poster: string } | null
}

/** What somebody does to the dishes of a tenant. */
export function kitchen(as: string) {
  const path = (id: string, rest = '') => `/api/v1/dishes/${id}${rest}`
  const get = (id: string) => expectStatus<Dish>(call('GET', path(id), { as }), 200)
  return {
    get,
    add: (fields: object = {}) =>
      expectStatus<Dish>(call('POST', '/api/v1/dishes', { as, json: { name: 'Soup', price: { amount: 500 }, ...fields } }), 201),
    change: (id: string, json: object, headers: Record<string, string> = {}) => call('PATCH', path(id), { as, json, headers }),
    remove: (id: string, headers: Record<string, string> = {}) => call('DELETE', path(id), { as, headers }),
    photo(id: string, content: Uint8Array, headers: Record<string, string> = {}) {
      const body = new FormData()
      body.append('photo', new Blob([Buffer.from(content)], { type: 'image/jpeg' }), 'photo.jpg')
      return call('PUT', path(id, '/photo'), { as, body, headers })
    },
    model: (id: string, action: 'retry' | 'cancel') => call('POST', path(id, `/model/${action}`), { as }),
    /** The dish once its newest model stands so; others may be made before it, as many per minute as the installation says. */
    reaches: (id: string, ...states: Model['state'][]) =>
      until(async () => {
        const dish = await get(id)
        return dish.model && states.includes(dish.model.state) ? dish : undefined
      }, 150),
  }
}

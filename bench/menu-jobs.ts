import { setTimeout as delay } from 'node:timers/promises'
import { platePhotos } from './menu-photos.ts'
import { publish, quantile } from './results.ts'
import { type BenchStack, startStack } from './stack.ts'

/**
 * Models per minute of one worker with two at a time, over the API from the photo to the stored model, and how long the worker's
 * `health/live` takes to answer meanwhile. `node bench/menu-jobs.ts`: starts a stack of its own.
 */
const dishes = 14
const rounds = 2
const patience = 5 * 60_000

await using stack = await startStack({ MENU_MODELS_PER_MINUTE: '100000', MENU_MODEL_CONCURRENCY: '2', HTTP_REQUESTS_PER_MINUTE: '100000' })
const photos = (await platePhotos(dishes)).flatMap((photo) => Array.from({ length: rounds }, () => photo))
const ids = await Promise.all(photos.map((_, index) => createDish(stack, `Dish ${index}`)))
const health = watch(`http://127.0.0.1:${await stack.workerPort('menu')}/health/live`)
const began = performance.now()
for (const [index, photo] of photos.entries()) await putPhoto(stack, ids[index] ?? '', photo)
const uploaded = performance.now()
const models = await Promise.all(ids.map((id) => modelOf(stack, id)))
const seconds = (performance.now() - began) / 1000
const answers = await health.end()
publish('menu-jobs', {
  dishes: models.length,
  concurrency: 2,
  modelsPerMinute: Math.round((models.length / seconds) * 60),
  seconds: { uploads: Math.round((uploaded - began) / 100) / 10, all: Math.round(seconds * 10) / 10 },
  healthLive: {
    asked: answers.length,
    medianMilliseconds: quantile(answers, 0.5),
    p99Milliseconds: quantile(answers, 0.99),
    mostMilliseconds: quantile(answers, 1),
  },
})

async function call<T>({ url, apiKey }: BenchStack, path: string, init: RequestInit = {}): Promise<T> {
  const headers = { authorization: `Bearer ${apiKey}`, ...(init.headers as Record<string, string> | undefined) }
  const response = await fetch(new URL(path, url), { ...init, headers })
  if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

async function createDish(to: BenchStack, name: string): Promise<string> {
  const body = JSON.stringify({ name, price: { amount: 1250, currency: 'EUR' } })
  const { id } = await call<{ id: string }>(to, '/api/v1/dishes', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  return id
}

async function putPhoto(to: BenchStack, id: string, photo: Buffer): Promise<void> {
  const body = new FormData()
  body.append('photo', new Blob([new Uint8Array(photo)], { type: 'image/jpeg' }), 'dish.jpg')
  await call(to, `/api/v1/dishes/${id}/photo`, { method: 'PUT', body })
}

/** The last event of a model ends its stream. */
async function modelOf({ url, apiKey }: BenchStack, id: string): Promise<string> {
  const signal = AbortSignal.timeout(patience)
  const response = await fetch(new URL(`/api/v1/dishes/${id}/events`, url), { headers: { authorization: `Bearer ${apiKey}` }, signal })
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (/"state":"(done|failed|cancelled)"/.test(text)) break
  }
  if (!text.includes('"state":"done"')) throw new Error(`dish ${id} has no model: ${text.slice(-500)}`)
  return id
}

/** Asks fifty times a second, and tells how long each answer took. */
function watch(url: string) {
  const milliseconds: number[] = []
  const stopped = new AbortController()
  const asking = (async () => {
    while (!stopped.signal.aborted) {
      const asked = performance.now()
      await (await fetch(url)).text()
      milliseconds.push(performance.now() - asked)
      await delay(20)
    }
  })()
  return {
    async end() {
      stopped.abort()
      await asking
      return milliseconds
    },
  }
}

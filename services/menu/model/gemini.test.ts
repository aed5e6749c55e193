import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGeminiProvider } from './gemini.ts'

interface Asked {
  readonly path: string
  readonly key: string | undefined
  // oxlint-disable-next-line typescript/no-explicit-any -- a request in Google's shape
  readonly body: any
}

let server: Server
let asked: Asked[]
let answer: (request: IncomingMessage) => { status?: number; body: unknown } | 'silence'
beforeEach(async () => {
  asked = []
  server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  asked.push({ path: request.url ?? '', key: String(request.headers['x-goog-api-key']), body: JSON.parse(await text(request)) })
  const given = answer(request)
  if (given === 'silence') return
  response.writeHead(given.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(given.body))
}

const saying = (value: unknown) => ({ body: { candidates: [{ content: { role: 'model', parts: [{ text: JSON.stringify(value) }] } }] } })
const plate = { centerX: 500, centerY: 400, longHalfAxis: 300, shortHalfAxis: 220, angleDegrees: 90 }
const photo = Buffer.from('a photo')
const find = (signal = new AbortController().signal, seconds = 5) => {
  const { port } = server.address() as AddressInfo
  return createGeminiProvider({ apiKey: 'k-1', model: 'gemini-test', baseUrl: `http://127.0.0.1:${port}`, seconds }).find(photo, signal)
}

describe('the provider', () => {
  it('asks for the configured model, with key, photo and the form of the answer', async () => {
    answer = () => saying({ plate })
    await find()
    const [{ path, key, body } = { path: '', key: '', body: {} }] = asked
    expect(path).toContain('/models/gemini-test:generateContent')
    expect(key).toBe('k-1')
    expect(body.contents[0].parts[0].inlineData).toEqual({ mimeType: 'image/jpeg', data: photo.toString('base64') })
    expect(body.generationConfig).toMatchObject({ responseMimeType: 'application/json', temperature: 0 })
    expect(JSON.stringify(body.generationConfig.responseJsonSchema)).toContain('longHalfAxis')
  })

  it('gives the outline in shares of the width', async () => {
    answer = () => saying({ plate })
    expect(await find()).toEqual({ x: 0.5, y: 0.4, a: 0.3, b: 0.22, angle: Math.PI / 2 })
  })

  it('puts the longer half axis first, whatever it was called', async () => {
    answer = () => saying({ plate: { ...plate, longHalfAxis: 100 } })
    expect(await find()).toMatchObject({ a: 0.22, b: 0.1 })
  })

  it('gives nothing where there is no plate', async () => {
    answer = () => saying({ plate: null })
    expect(await find()).toBeNull()
  })

  it.each([
    ['an answer of another form', () => saying({ plate: { ...plate, centerX: 'left' } })],
    ['an ellipse far outside', () => saying({ plate: { ...plate, centerX: 1e9 } })],
    ['words instead of JSON', () => ({ body: { candidates: [{ content: { role: 'model', parts: [{ text: 'I see a plate.' }] } }] } })],
    ['no answer at all', () => ({ body: {} })],
    ['a refusal', () => ({ status: 429, body: { error: { code: 429, message: 'quota', status: 'RESOURCE_EXHAUSTED' } } })],
    ['a failure', () => ({ status: 500, body: { error: { code: 500, message: 'no', status: 'INTERNAL' } } })],
  ])('throws on %s, and asks once', async (_name, given) => {
    answer = given
    await expect(find()).rejects.toThrow(/./)
    expect(asked).toHaveLength(1)
  })

  it('waits no longer than it may', async () => {
    answer = () => 'silence'
    await expect(find(undefined, 0.2)).rejects.toThrow(/./)
  })

  it('stops when the job does', async () => {
    const stop = new AbortController()
    answer = () => {
      stop.abort()
      return 'silence'
    }
    await expect(find(stop.signal, 60)).rejects.toThrow(/./)
  })
})

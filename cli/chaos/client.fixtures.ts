import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Client } from './insist.ts'
import { Ledger } from './ledger.ts'
import { createMeter } from './meter.ts'
import { portOf } from './way.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

type Reply = (response: ServerResponse, asked: Asked) => void

export const answer =
  (status: number, body: object = {}, headers: Record<string, string> = {}): Reply =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

export const breakOff: Reply = (response) => void response.socket?.resetAndDestroy()

/** An API that answers as it was told, one request after the other; the last answer stays. */
export async function scripted(...replies: Reply[]) {
  const asked: Asked[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '', headers } = request
    const one = { method, path, headers, body: await buffer(request) }
    asked.push(one)
    const reply = replies.length > 1 ? replies.shift() : replies[0]
    reply?.(response, one)
  }
  const server = createServer((request, response) => void take(request, response))
  const port = await portOf(server)
  const ending = new AbortController()
  const ledger = new Ledger()
  const state = { mayBreak: false }
  const client: Client = {
    port,
    apiKey: 'slp_key',
    ledger,
    meter: createMeter(),
    mayBreak: () => state.mayBreak,
    signal: ending.signal,
  }
  return {
    client,
    ledger,
    asked,
    state,
    ending,
    rules: () => ledger.violations.map(({ rule }) => rule),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

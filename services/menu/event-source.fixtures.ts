import { authorization, type Caller } from './menu.fixtures.ts'

export interface ServerSentEvent {
  id: string | null
  event: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into what they expect
  data: any
}

interface Following {
  url: string
  caller: Caller
  dishId: string
  lastEventId?: string
}

/** A client of an event stream that takes one event after the other. */
export async function follow({ url, caller, dishId, lastEventId }: Following) {
  const stop = new AbortController()
  const response = await fetch(`${url}/api/v1/dishes/${dishId}/events`, {
    headers: { ...authorization(caller), ...(lastEventId ? { 'last-event-id': lastEventId } : {}) },
    signal: stop.signal,
  })
  const source = response.body === null ? [] : response.body.pipeThrough(new TextDecoderStream())
  const events = parse(source)
  /** Null at the end of the stream. */
  const next = async (): Promise<ServerSentEvent | null> => (await events.next()).value ?? null
  return {
    status: response.status,
    headers: response.headers,
    next,
    async until(fits: (event: ServerSentEvent) => boolean): Promise<ServerSentEvent[]> {
      const seen: ServerSentEvent[] = []
      for (;;) {
        const event = await next()
        if (event === null) throw new Error(`the stream ended after ${JSON.stringify(seen)}`)
        seen.push(event)
        if (fits(event)) return seen
      }
    },
    close: () => stop.abort(),
    [Symbol.dispose]: () => stop.abort(),
  }
}

async function* parse(chunks: AsyncIterable<string> | Iterable<string>): AsyncGenerator<ServerSentEvent, undefined> {
  let text = ''
  for await (const chunk of chunks) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      if (fields.event) yield { id: fields.id ?? null, event: fields.event, data: JSON.parse(fields.data ?? 'null') }
    }
  }
  return undefined
}

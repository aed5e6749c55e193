import { call } from './client.ts'

export interface ServerSentEvent<T> {
  id: string | null
  event: string
  data: T
}

interface Following {
  as: string
  lastEventId?: string | null
}

/** A client of an event stream, to be read one event after the other; `using` hangs up. */
export async function follow<T>(path: string, { as, lastEventId = null }: Following) {
  const headers = { accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) }
  const response = await call('GET', path, { as, headers })
  if (response.status !== 200 || response.body === null) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const waiting: ServerSentEvent<T>[] = []
  let retry: number | null = null
  let text = ''
  const take = (block: string) => {
    const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
    if (fields.has('retry')) retry = Number(fields.get('retry'))
    const [event, data] = [fields.get('event'), fields.get('data')]
    if (event !== undefined && data !== undefined) waiting.push({ id: fields.get('id') ?? null, event, data: JSON.parse(data) as T })
  }
  /** Undefined at the end of the stream. */
  const next = async (): Promise<ServerSentEvent<T> | undefined> => {
    while (waiting.length === 0) {
      const { done, value } = await reader.read()
      if (done) return undefined
      const blocks = (text + value).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    }
    return waiting.shift()
  }
  return {
    headers: response.headers,
    /** Milliseconds after which the server wants its clients to come back. */
    retry: () => retry,
    next,
    async until(fits: (event: ServerSentEvent<T>) => boolean): Promise<ServerSentEvent<T>[]> {
      const seen: ServerSentEvent<T>[] = []
      for (;;) {
        const event = await next()
        if (event === undefined) throw new Error(`the stream ended after ${JSON.stringify(seen)}`)
        seen.push(event)
        if (fits(event)) return seen
      }
    },
    [Symbol.asyncDispose]: () => reader.cancel().catch(() => undefined),
  }
}

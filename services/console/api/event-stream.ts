import { eventsOf, type ServerEvent } from './event-parser.ts'
import { session } from './runtime.ts'

interface StreamOptions {
  readonly signal: AbortSignal
  readonly onEvent: (event: ServerEvent) => void
}

const reconnectMilliseconds = 2000

/**
 * Server-sent events with an access token, which `EventSource` cannot send. A broken stream is taken up again after the last event;
 * ends when the signal does, or when the server says that there is nothing (any more).
 */
export async function followEvents(path: string, { signal, onEvent }: StreamOptions): Promise<void> {
  let last: string | null = null
  while (!signal.aborted) {
    try {
      const token = await session.token({ fresh: false })
      const headers: Record<string, string> = {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        ...(last === null ? {} : { 'last-event-id': last }),
      }
      const answer: Response = await fetch(path, { headers, signal })
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return
      if (answer.ok && answer.body) {
        for await (const event of eventsOf(answer.body)) {
          last = event.id ?? last
          onEvent(event)
          if (event.type === 'gone') return
        }
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof TypeError)) throw error
    }
    await pause(signal)
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, reconnectMilliseconds)
    signal.addEventListener('abort', end)
  })
}

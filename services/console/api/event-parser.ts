export interface ServerEvent {
  readonly type: string
  readonly data: string
  readonly id: string | null
}

/** Events of a stream of text, as the HTML standard (§9.2.6) reads them. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = eventIn(block)
        if (event) yield event
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

export function eventIn(block: string): ServerEvent | null {
  const fields = block.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    return name === '' ? [] : [{ name, value }]
  })
  const data = fields.filter(({ name }) => name === 'data').map(({ value }) => value)
  if (data.length === 0) return null
  return {
    type: fields.findLast(({ name }) => name === 'event')?.value ?? 'message',
    data: data.join('\n'),
    id: fields.findLast(({ name }) => name === 'id')?.value ?? null,
  }
}

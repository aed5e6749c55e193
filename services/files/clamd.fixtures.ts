import { once } from 'node:events'
import { createServer, connect as openSocket, type Socket } from 'node:net'
import { testScanner } from '@slipway/testing'

export interface Clamd extends AsyncDisposable {
  host: string
  port: number
  /** From here on verdicts do not come back, as from a scan that takes long. */
  hold(): void
  /** Lets what was held back go. */
  release(): void
  /** Breaks every connection that is open now. */
  cut(): Promise<void>
  /** Settles when `count` verdicts are held back. */
  holding(count: number): Promise<void>
}

/** The real clamd behind a wire that can hold its replies back. */
export async function slowClamd(): Promise<Clamd> {
  const clamd = testScanner()
  const held: (() => void)[] = []
  let holding = false
  let verdicts = 0
  let waiter: { count: number; resolve: () => void } | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = openSocket(clamd.port, clamd.host)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.pipe(upstream)
    let isHeld = false
    const pass = (step: () => unknown) => (isHeld ? held.push(step) : step())
    upstream.on('data', (reply) => {
      isHeld ||= holding && reply.toString().startsWith('stream:')
      pass(() => client.write(reply))
      if (isHeld && ++verdicts >= (waiter?.count ?? Number.POSITIVE_INFINITY)) waiter?.resolve()
    })
    upstream.on('end', () => pass(() => client.end()))
    client.on('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    host: '127.0.0.1',
    port,
    hold: () => {
      holding = true
    },
    release: () => {
      holding = false
      for (const pass of held.splice(0)) pass()
    },
    cut: async () => {
      for (const socket of sockets) socket.destroy()
    },
    holding: (count) =>
      new Promise((resolve) => {
        waiter = { count, resolve }
        if (verdicts >= count) resolve()
      }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

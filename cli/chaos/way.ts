import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream'

export interface Way extends AsyncDisposable {
  readonly port: number
}

/** Both directions, each to its end; when one breaks, so does the other. */
export function join(one: Socket, other: Socket): void {
  pipeline(one, other, () => undefined)
  pipeline(other, one, () => undefined)
}

/** A listener on the loopback address that forgets nobody: closing it cuts what is under way. */
export async function openListener(onClient: (client: Socket) => void): Promise<Way> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    sockets.add(client)
    client.on('error', () => undefined)
    client.once('close', () => sockets.delete(client))
    onClient(client)
  })
  const port = await portOf(server)
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

export async function portOf(server: Pick<Server, 'listen' | 'address' | 'once'>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await new Promise<void>((resolve) => void server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

/** Null when nobody listens there. */
export function reach(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
    socket.once('connect', () => resolve(socket))
    // Stays: whoever has the socket learns of its end by its `close`.
    socket.on('error', () => resolve(null))
  })
}

/** What a load balancer does for the replicas of a process: one connection after the other to the next, and past those that refuse. */
export function openBalancer(targets: readonly number[]): Promise<Way> {
  let turn = 0
  return openListener((client) => {
    const first = turn++
    void (async () => {
      for (let step = 0; step < targets.length; step++) {
        const onward = await reach(targets[(first + step) % targets.length] ?? 0)
        if (onward) return join(client, onward)
      }
      client.destroy()
    })()
  })
}

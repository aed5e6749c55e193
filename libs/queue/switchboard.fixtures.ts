import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port that leads where a test wants it to, as a service name does: to one server, then to another, or nowhere. */
export interface Switchboard extends AsyncDisposable {
  readonly port: number
  /** New connections go there; those that are open stay where they are. */
  leadTo(port: number): void
  /** Cuts every connection and takes no new ones until `leadTo`. */
  cut(): void
}

export async function switchboard(first: number): Promise<Switchboard> {
  let target: number | null = first
  const open = new Set<Socket>()
  const server = createServer((incoming) => {
    if (target === null) {
      incoming.destroy()
      return
    }
    const outgoing = connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        open.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  const cut = () => {
    target = null
    for (const socket of open) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (port) => {
      target = port
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The same address by way of the switchboard. */
export function through({ port }: Switchboard, address: string): string {
  const url = new URL(address)
  url.port = String(port)
  return url.href
}

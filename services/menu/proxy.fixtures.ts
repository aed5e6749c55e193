import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { MenuSettings } from './app.fixtures.ts'

/** A way to a store that can be cut and mended: for whoever comes by it, the store is away, with all that is under way. */
async function openWay(target: { host: string; port: number }) {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const onward = connect(target)
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => undefined)
      one.once('close', () => void (sockets.delete(one), other.destroy()))
    }
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const cut = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port, cut, mend: () => listen(port), [Symbol.asyncDispose]: cut }
}

type Way = Awaited<ReturnType<typeof openWay>>

function led(url: string, { port }: Way): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href.replace(/\/$/, '')
}

const target = (url: string) => {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port) }
}

/** Every store by a way of its own; Redis is stopped itself, by its part. */
export async function openWays(settings: MenuSettings) {
  const database = await openWay(target(settings.database.runtime))
  const storage = await openWay(target(settings.storage.endpoint))
  const scanner = await openWay(settings.scanner)
  const changed: MenuSettings = {
    ...settings,
    database: { runtime: led(settings.database.runtime, database), system: led(settings.database.system, database) },
    storage: { ...settings.storage, endpoint: led(settings.storage.endpoint, storage) },
    scanner: { ...settings.scanner, host: '127.0.0.1', port: scanner.port },
  }
  return { database, storage, scanner, settings: changed }
}

export type Ways = Awaited<ReturnType<typeof openWays>>

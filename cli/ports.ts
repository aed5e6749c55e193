import { createServer } from 'node:net'
import { Failure } from './failure.ts'

/** Whether a port of the loopback address can be bound now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

const lowest = 20_000
const highest = 32_000

/**
 * Free ports for internal listeners, all different. They are taken below the range from which systems number outgoing connections
 * (32768 and up on Linux), so that no connection can take one between this look and the bind.
 */
export async function claimPorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let attempt = 0; attempt < count * 200 && ports.size < count; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (!ports.has(port) && (await isPortFree(port))) ports.add(port)
  }
  if (ports.size < count)
    throw new Failure(`no ${count} free ports between ${lowest} and ${highest}`, { fix: 'stop some of the programs that listen there' })
  return [...ports]
}

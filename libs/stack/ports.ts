import { createServer, type Server } from 'node:net'
import { portOwner } from './port-owner.ts'
import { StackError, systemCode } from './stack-error.ts'

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}

const lowest = 20_000
const highest = 30_000

/** Ports that this process has given out, and to whom: a part that is about to start has not bound its port yet. */
const givenTo = new Map<number, string>()

/** Whether `owner` may have a certain port: it is free, and not promised to another part of this process. From then on it is. */
export async function reclaimPort(port: number, owner: string): Promise<boolean> {
  if ((givenTo.get(port) ?? owner) !== owner) return false
  const server = await listen(port).catch(() => undefined)
  if (!server) return false
  givenTo.set(port, owner)
  await close(server)
  return true
}

/**
 * Several free ports. One that this process was given before never comes again, be it bound by now or not. They lie below the range
 * from which systems number outgoing connections (32768 and up on Linux): a port from that range may be taken by any connection
 * before a part has bound it. They also lie below the node ports of Kubernetes (30000 and up): where a cluster runs on this machine,
 * such a port can be bound, and connections to it go to the cluster all the same.
 */
export async function freePorts(count: number, owner = ''): Promise<number[]> {
  const servers: Server[] = []
  try {
    for (let attempt = 0; servers.length < count && attempt < 1000; attempt++) {
      const port = lowest + Math.floor(Math.random() * (highest - lowest))
      if (givenTo.has(port)) continue
      givenTo.set(port, owner)
      const server = await listen(port).catch(() => undefined)
      if (server) servers.push(server)
      else givenTo.delete(port)
    }
    if (servers.length === count) return servers.map(portOf)
    throw new StackError('port-in-use', {
      what: `there are no ${count} free ports between ${lowest} and ${highest}`,
      fix: 'stop some of the programs that listen there',
    })
  } finally {
    await Promise.all(servers.map(close))
  }
}

/**
 * The port that a part should take: the given one when it is free, else any.
 *
 * @throws {StackError} `port-in-use` with the process that holds it when it can be found, `not-permitted`
 */
export async function choosePort(name: string, port: number | undefined): Promise<number> {
  if (port === undefined) return freePort()
  try {
    await close(await listen(port))
    return port
  } catch (error) {
    throw await portFault(name, port, error)
  }
}

/**
 * Starts on a port that `choosePort` gives. Between its choice and its use another process may take a free port; unless the port was
 * given, another is tried then.
 */
export async function onPort<T>(name: string, given: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(name, given)
    try {
      return await start(port)
    } catch (error) {
      const lost = error instanceof StackError && error.code === 'port-in-use'
      if (!lost || given !== undefined || attempt === 3) throw error
    }
  }
}

async function portFault(name: string, port: number, error: unknown): Promise<unknown> {
  const code = systemCode(error)
  if (code === 'EACCES') {
    return new StackError('not-permitted', {
      what: `port ${port} of ${name} is reserved for root`,
      fix: 'choose a port above 1023',
      cause: error,
    })
  }
  if (code !== 'EADDRINUSE') return error
  const owner = await portOwner(port)
  const holder = owner ? `process ${owner.pid} (${owner.command})` : 'another process'
  const fix = owner ? `stop it with \`kill ${owner.pid}\`, or choose another port` : 'stop what listens there, or choose another port'
  return new StackError('port-in-use', { what: `port ${port} of ${name} is in use by ${holder}`, fix, cause: error })
}

function listen(port: number): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => done(server))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

function close(server: Server): Promise<void> {
  return new Promise((done, fail) => server.close((error) => (error ? fail(error) : done())))
}

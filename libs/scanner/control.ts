import type { Socket } from 'node:net'
import { isProblem, type Problem, problem } from '@slipway/problem'
import NodeClam from 'clamscan'

export interface Address {
  host: string
  port: number
}

export interface EngineVersion {
  /** `ClamAV 1.4.6` */
  engine: string
  /** `27791/Thu Oct 16 09:44:12 2025`, or empty: no official database is loaded. */
  database: string
  /** Number of the official daily database; it rises with every release. */
  number?: number
  /** When that database was made. */
  builtAt?: Date
}

/** PING and VERSION, each on a connection of its own, for which clamd needs no scanning thread. */
export interface Control {
  readonly ping: () => Promise<void>
  readonly version: () => Promise<EngineVersion>
}

/** `clamscan` leaves its sockets open when clamd hangs; this keeps hold of them so that a deadline can close them. */
class TrackedClam extends NodeClam {
  readonly sockets = new Set<Socket>()

  protected override async _initSocket(label?: string): Promise<Socket> {
    const socket = await super._initSocket(label)
    this.sockets.add(socket)
    return socket
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
  }
}

export function createControl(address: Address, seconds: number): Control {
  async function ask<T>(command: (clam: TrackedClam) => Promise<T>): Promise<T> {
    const clam = new TrackedClam()
    const { host, port } = address
    // Unless both ways to it are shut, it asks a `clamscan` of this machine instead, which answers for the wrong engine when clamd is gone.
    const clamdscan = { host, port, timeout: seconds * 1000, path: null, bypassTest: true, localFallback: false }
    await clam.init({ clamdscan, clamscan: { active: false }, preference: 'clamdscan' })
    try {
      return await withDeadline(command(clam), seconds)
    } catch (error) {
      throw unavailable(address, error)
    } finally {
      clam.close()
    }
  }

  return {
    ping: async () => void (await ask((clam) => clam.ping())),
    version: async () => parseVersion(await ask((clam) => clam.getVersion()), address),
  }
}

/** Rejects when `answer` takes longer; the answer itself is then ignored. */
async function withDeadline<T>(answer: Promise<T>, seconds: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** `ClamAV 1.4.6/27791/Thu Oct 16 09:44:12 2025`; without an official daily database only the first part. */
export function parseVersion(reply: string, address: Address): EngineVersion {
  const match = /^(ClamAV [^/\0\n]+)(?:\/(\d+)\/([^\0\n]+))?[\0\n]*$/.exec(reply)
  if (!match?.[1]) throw unavailable(address, new Error(`VERSION was answered with ${JSON.stringify(reply.slice(0, 100))}`))
  const [, engine, number, date] = match
  if (!number || !date) return { engine, database: '' }
  // clamd writes the time without zone, in that of its process, which is UTC in containers.
  const builtAt = new Date(`${date} UTC`)
  return { engine, database: `${number}/${date}`, number: Number(number), ...(Number.isNaN(builtAt.getTime()) ? {} : { builtAt }) }
}

/** The problem for anything that went wrong on the way to clamd. The address is for the log, not for clients: it stands in the cause. */
export function unavailable({ host, port }: Address, cause: unknown): Problem {
  if (isProblem(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return problem('scanner.unavailable', { retryAfter: 5, cause: new Error(`clamd at ${host}:${port}: ${reason}`, { cause }) })
}

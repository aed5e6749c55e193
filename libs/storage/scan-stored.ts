import { addAbortSignal } from 'node:stream'
import type { Scanner, ScanResult } from '@slipway/scanner'
import type { Connection } from './connection.ts'
import { ask } from './error.ts'
import type { Judge } from './judge.ts'
import type { ObjectRef } from './object.ts'
import { readObject } from './reading.ts'
import { type Received, receive, withoutTail } from './receive.ts'

interface Parts {
  connection: Connection
  scanner: Scanner
  judge: Judge
}

interface Options {
  /** Only this version. */
  ifMatch?: string
  /** The tenant, where it is one who waits for it. */
  owner?: string
  signal: AbortSignal
}

/** Passes what is stored through scanner and digest, by the same rules as an upload. @throws `resource.not-found`, `precondition.failed` */
export async function scanStored(parts: Parts, object: ObjectRef, options: Options): Promise<Received & { verdict: ScanResult }> {
  const { connection, scanner, judge } = parts
  const { signal } = options
  const scan = await scanner.open(signal, options.owner)
  using guest = connection.crowd.enter({ owner: options.owner ?? '', has: () => ['scan'], makeRoom: () => undefined })
  // No client sends it.
  guest.ends()
  try {
    const { stream, size, etag } = await readObject(connection, object, options)
    addAbortSignal(signal, stream)
    const received = await ask(receive(stream, { scan, maxBytes: size }))
    scan.end()
    const verdict = await judge({ ...received, at: { ...object, etag } }, { scanned: scan.result(), signal })
    return { ...withoutTail(received), verdict }
  } finally {
    scan.destroy()
  }
}

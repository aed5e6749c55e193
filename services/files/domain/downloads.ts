import type { Readable } from 'node:stream'
import type { Database } from '@slipway/db'
import { and, inArray, sql } from 'drizzle-orm'
import { files } from '../schema.ts'
import { contentId } from './object.ts'

/**
 * Downloads that are under way. What turns out infected is cut within two seconds: the client sees a connection that broke before all
 * bytes had come, never a complete answer. While there are downloads, one query a second asks for all of them.
 */
export interface Downloads extends AsyncDisposable {
  /** Until the stream closes. By the id of the content, which may become another's while it is read. */
  watch(contentId: string, stream: Readable): void
}

interface Parts {
  /** The system role: one question for all tenants. */
  system: Database
  onError: (error: unknown) => void
}

const everyMilliseconds = 1000

export function createDownloads({ system, onError }: Parts): Downloads {
  const open = new Map<string, Set<Readable>>()
  let timer: NodeJS.Timeout | undefined
  let isAsking = false

  /** Without an answer the downloads go on: reading was right when they began, and an outage of the database shall not break all of them. */
  async function look(): Promise<void> {
    if (isAsking) return
    isAsking = true
    try {
      for (const id of await refusedAmong(system, [...open.keys()])) cut(id)
    } catch (error) {
      onError(error)
    } finally {
      isAsking = false
    }
  }

  function cut(id: string): void {
    for (const stream of open.get(id) ?? []) stream.destroy(new Error(`the content of ${id} was refused while it was read`))
  }

  function forget(id: string, stream: Readable): void {
    const streams = open.get(id)
    streams?.delete(stream)
    if (streams?.size === 0) open.delete(id)
    if (open.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    watch(id, stream) {
      if (stream.destroyed) return
      const streams = open.get(id) ?? new Set()
      open.set(id, streams.add(stream))
      stream.once('close', () => forget(id, stream))
      timer ??= setInterval(() => void look(), everyMilliseconds).unref()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
    },
  }
}

async function refusedAmong(system: Database, ids: readonly string[]): Promise<string[]> {
  const open = sql`${contentId} = any(${sql.param(ids)}::uuid[])`
  const rows = await system.transaction(
    (tx) =>
      tx
        .select({ id: contentId })
        .from(files)
        .where(and(open, inArray(files.verdict, ['infected', 'unscannable']))),
    { readOnly: true },
  )
  return rows.map((row) => row.id)
}

import { ApiProblem } from '@slipway/client'
import type { FileItem } from './calls.ts'
import { queries, session } from './runtime.ts'
import { isBelow } from './use-api.ts'

export interface Upload {
  readonly id: number
  readonly name: string
  readonly size: number
  /** `scanning`: all bytes are there, the verdict is not. */
  readonly state: 'waiting' | 'sending' | 'scanning' | 'done' | 'failed' | 'cancelled'
  readonly sent: number
  readonly error?: unknown
  readonly file?: FileItem
}

interface Queued {
  upload: Upload
  readonly content: File
  readonly folderId: string | null
  request?: XMLHttpRequest
}

/** Uploads at a time; the browser has six connections to a host, and screens need some. */
const concurrency = 3

/** Uploads go on whatever screen is open. Kept outside of React, so leaving a screen ends nothing. */
export function createUploads() {
  let queued: Queued[] = []
  let shown: readonly Upload[] = []
  let lastId = 0
  const listeners = new Set<() => void>()

  function publish(): void {
    shown = queued.map(({ upload }) => upload)
    for (const listener of listeners) listener()
  }

  function change(one: Queued, change: Partial<Upload>): void {
    one.upload = { ...one.upload, ...change }
    publish()
  }

  function next(): void {
    const running = queued.filter(({ upload }) => upload.state === 'sending' || upload.state === 'scanning').length
    const waiting = queued.filter(({ upload }) => upload.state === 'waiting').slice(0, Math.max(0, concurrency - running))
    for (const one of waiting) void run(one)
  }

  async function run(one: Queued): Promise<void> {
    change(one, { state: 'sending' })
    try {
      const file = await send(one, (sent) => change(one, { sent, state: sent >= one.upload.size ? 'scanning' : 'sending' }))
      change(one, { state: 'done', sent: one.upload.size, file })
    } catch (error) {
      const cancelled = error instanceof DOMException && error.name === 'AbortError'
      change(one, cancelled ? { state: 'cancelled' } : { state: 'failed', error })
    }
    delete one.request
    void queries.invalidateQueries({ predicate: ({ queryKey }) => isBelow(queryKey, ['/api/v1/files', '/api/v1/quarantine']) })
    next()
  }

  return {
    get: () => shown,
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    add(files: readonly File[], folderId: string | null) {
      const added = files.map((content): Queued => {
        const upload: Upload = { id: ++lastId, name: content.name, size: content.size, state: 'waiting', sent: 0 }
        return { upload, content, folderId }
      })
      queued = [...queued, ...added]
      publish()
      next()
    },
    cancel(id: number) {
      const one = queued.find(({ upload }) => upload.id === id)
      if (!one) return
      if (one.request) one.request.abort()
      else change(one, { state: 'cancelled' })
    },
    retry(id: number) {
      const one = queued.find(({ upload }) => upload.id === id)
      if (!one) return
      const { id: same, name, size } = one.upload
      one.upload = { id: same, name, size, state: 'waiting', sent: 0 }
      publish()
      next()
    },
    clearEnded() {
      queued = queued.filter(({ upload }) => isRunning(upload))
      publish()
    },
  }
}

export function isRunning({ state }: Upload): boolean {
  return state === 'waiting' || state === 'sending' || state === 'scanning'
}

/** `fetch` tells nothing of what is sent; XMLHttpRequest does. */
async function send(one: Queued, onProgress: (sent: number) => void): Promise<FileItem> {
  const token = await session.token({ fresh: false })
  const request = new XMLHttpRequest()
  one.request = request
  const { promise, resolve, reject } = Promise.withResolvers<FileItem>()
  request.open('POST', '/api/v1/files')
  request.setRequestHeader('authorization', `Bearer ${token}`)
  request.setRequestHeader('idempotency-key', `"${crypto.randomUUID()}"`)
  request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : Math.round((loaded / total) * one.upload.size))
  request.onabort = () => reject(new DOMException('cancelled', 'AbortError'))
  request.onerror = () => reject(new TypeError('the connection broke'))
  request.onload = () => {
    const body: unknown = parsed(request.responseText)
    if (request.status < 300) resolve(body as FileItem)
    else reject(new ApiProblem(request.status, (body ?? {}) as object))
  }
  const form = new FormData()
  if (one.folderId !== null) form.set('folderId', one.folderId)
  form.set('file', one.content, one.content.name)
  request.send(form)
  return promise
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export const uploads = createUploads()

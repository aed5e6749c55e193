import type { FileItem } from './calls.ts'
import { queries } from './runtime.ts'
import { sendForm } from './send-form.ts'
import { createStore } from './store.ts'
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
  let lastId = 0
  const shown = createStore<readonly Upload[]>([])
  const publish = () => shown.set(queued.map(({ upload }) => upload))

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
    shown,
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

async function send(one: Queued, onProgress: (sent: number) => void): Promise<FileItem> {
  const form = new FormData()
  if (one.folderId !== null) form.set('folderId', one.folderId)
  form.set('file', one.content, one.content.name)
  const file = await sendForm({
    method: 'POST',
    path: '/api/v1/files',
    form,
    onProgress: (part) => onProgress(Math.round(part * one.upload.size)),
    onStart: (request) => (one.request = request),
  })
  return file as FileItem
}

export const uploads = createUploads()

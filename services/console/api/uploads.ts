import type { Bearer } from './access-token.ts'
import type { FileItem } from './calls.ts'
import type { sendBody } from './send-body.ts'
import { createStore } from './store.ts'
import { NotSent } from './words.ts'

/** Where a file goes. */
export interface UploadTarget {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  /** Name of the part that the file is; null where it is the body itself. */
  readonly part: string | null
  readonly fields?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** 202 means that the verdict is still to come, and the answer shows what was there before. */
  readonly isPendingAt202?: boolean
  /** Paths that are asked anew once it has ended. */
  readonly refreshes: readonly string[]
}

export interface Upload {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly path: string
  /** `scanning`: all bytes are there, the verdict is not. */
  readonly state: 'waiting' | 'sending' | 'scanning' | 'done' | 'failed' | 'cancelled'
  readonly sent: number
  readonly error?: unknown
  /** What the server made of it: a file, or a dish with its new photo. */
  readonly answer?: Partial<FileItem>
}

/** Who uploads, and where to: neither may change while a file waits. */
export interface Place {
  readonly personId: string
  readonly tenantId: string
}

interface Queued {
  upload: Upload
  readonly content: File
  readonly target: UploadTarget
  readonly place: Place
  readonly abort: AbortController
}

export interface UploadsOptions {
  /** Null: nobody has signed in to a tenant. */
  readonly place: () => Place | null
  readonly bearer: () => Promise<Bearer | null>
  readonly send: typeof sendBody
  readonly refresh: (paths: readonly string[]) => void
}

/** Uploads at a time; the browser has six connections to a host, and screens need some. */
const concurrency = 3
const otherTenant = 'You have switched to another tenant meanwhile. Switch back and try again.'
const sessionEnded = 'Your session has ended meanwhile. Try again.'

/** Uploads go on whatever screen is open. Kept outside of React, so leaving a screen ends nothing. */
export function createUploads(options: UploadsOptions) {
  const { place } = options
  const list = createList()
  const { find, change, start } = list
  let lastId = 0

  function next(): void {
    for (const one of list.next()) void run(one)
  }

  async function run(one: Queued): Promise<void> {
    const { signal } = one.abort
    change(one, { state: 'sending' })
    try {
      const answer = await transfer(one, options, (part) => change(one, part))
      change(one, { state: 'done', sent: one.upload.size, answer: answer as Partial<FileItem> })
    } catch (error) {
      change(one, endOf(error, signal))
    }
    options.refresh(one.target.refreshes)
    next()
  }

  return {
    shown: list.shown,
    add(files: readonly File[], target: UploadTarget) {
      const at = place()
      if (!at) return
      for (const content of files) start({ upload: beginning(++lastId, content, target), content, target, place: at })
      next()
    },
    cancel(id: number) {
      const one = find(id)
      if (one && isRunning(one.upload)) list.stop(one, undefined)
    },
    retry(id: number) {
      const one = find(id)
      if (!one || isRunning(one.upload)) return
      list.remove((other) => other === one)
      start({ ...one, upload: beginning(id, one.content, one.target) })
      next()
    },
    clearEnded: () => list.remove(({ upload }) => !isRunning(upload)),
    /** Somebody has left or come: what is on its way ends with a session, and nobody sees what another person has sent. */
    follow() {
      const at = place()
      if (at) list.remove((one) => one.place.personId !== at.personId)
      else list.stopAll(new NotSent(sessionEnded))
    },
  }
}

function beginning(id: number, { name, size }: File, { path }: UploadTarget): Upload {
  return { id, name, size, path, state: 'waiting', sent: 0 }
}

/** All uploads of this visit, in the order in which they were asked for. */
function createList() {
  let queued: readonly Queued[] = []
  const shown = createStore<readonly Upload[]>([])
  const publish = (next: readonly Queued[]) => {
    queued = next
    shown.set(queued.map(({ upload }) => upload))
  }

  function change(one: Queued, part: Partial<Upload>): void {
    one.upload = { ...one.upload, ...part }
    publish(queued)
  }

  function stop(one: Queued, reason: NotSent | undefined): void {
    if (one.upload.state === 'waiting') change(one, reason ? { state: 'failed', error: reason } : { state: 'cancelled' })
    else one.abort.abort(reason)
  }

  return {
    shown,
    change,
    stop,
    find: (id: number) => queued.find(({ upload }) => upload.id === id),
    start: (one: Omit<Queued, 'abort'>) => publish([...queued, { ...one, abort: new AbortController() }]),
    remove: (drop: (one: Queued) => boolean) => publish(queued.filter((one) => !drop(one))),
    stopAll(reason: NotSent) {
      for (const one of queued) if (isRunning(one.upload)) stop(one, reason)
    },
    /** Those whose turn has come. */
    next() {
      const running = queued.filter(({ upload }) => upload.state === 'sending' || upload.state === 'scanning').length
      return queued.filter(({ upload }) => upload.state === 'waiting').slice(0, Math.max(0, concurrency - running))
    },
  }
}

/** @throws NotSent when the session is not any more that of the tenant which the file is for */
async function transfer(
  { abort: { signal }, content, place, target, upload }: Queued,
  { bearer, send }: UploadsOptions,
  onChange: (part: Partial<Upload>) => void,
): Promise<unknown> {
  const token = await bearer()
  signal.throwIfAborted()
  if (token === null || token.tenantId !== place.tenantId) throw new NotSent(otherTenant)
  const { method, path, headers = {}, isPendingAt202 = false } = target
  const body = bodyOf(content, target)
  const onProgress = (part: number) => onChange({ sent: Math.round(part * upload.size), state: part >= 1 ? 'scanning' : 'sending' })
  return await send({ method, path, token: token.text, body, headers, isPendingAt202, signal, onProgress })
}

function bodyOf(content: File, { part, fields = {} }: UploadTarget): FormData | File {
  if (part === null) return content
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set(part, content, content.name)
  return form
}

function endOf(error: unknown, { aborted, reason }: AbortSignal): Partial<Upload> {
  if (aborted) return reason instanceof NotSent ? { state: 'failed', error: reason } : { state: 'cancelled' }
  return { state: 'failed', error }
}

export function isRunning({ state }: Upload): boolean {
  return state === 'waiting' || state === 'sending' || state === 'scanning'
}

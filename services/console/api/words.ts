import { ApiProblem } from '@slipway/client'

export interface Words {
  readonly title: string
  readonly detail: string
  readonly traceId?: string
  readonly fields: readonly { readonly field: string; readonly detail: string }[]
}

/** What a person can do about a problem, where its own words do not say it. Codes are those of GET /problems. */
const advice: Readonly<Record<string, string>> = {
  'auth.sign-in-failed': 'The address or the password is wrong. You can also have a link sent to you.',
  'auth.forbidden': 'Your role does not allow this. Ask an admin of the tenant.',
  'auth.link-invalid': 'The link was used or is too old. Ask for a new one.',
  'rate.limited': 'That was a little fast. Wait a moment and try again.',
  'precondition.failed': 'Somebody else has changed it meanwhile. Look at it again and repeat your change.',
  'scanner.unavailable': 'The virus scanner does not answer. Nothing was stored; try again in a minute.',
  'storage.unavailable': 'The object store does not answer. Try again in a minute.',
  'database.unavailable': 'The database does not answer. Try again in a minute.',
}

/** What was not sent, with what to do as its message. */
export class NotSent extends Error {}

/** Any failure as a title and a sentence, with the trace id by which an operator finds it. */
export function wordsOf(error: unknown): Words {
  if (error instanceof ApiProblem) {
    const { details, code, traceId, errors = [] } = error
    // Where fields are named, the detail only repeats the first of them.
    const own = errors.length > 0 ? undefined : details.detail
    const detail = [advice[code], own].filter((part) => part !== undefined && part !== details.title).join(' ')
    const fields = errors.map(({ pointer, detail }) => ({ field: pointer.replace(/^\/(body|query|path|headers)\//, ''), detail }))
    return { title: details.title ?? `The server answered ${error.status}`, detail, fields, ...(traceId ? { traceId } : {}) }
  }
  if (error instanceof NotSent) return { title: 'It was not sent', detail: error.message, fields: [] }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { title: 'The server took too long', detail: 'Try again.', fields: [] }
  if (error instanceof TypeError)
    return { title: 'The server cannot be reached', detail: 'Check your connection and try again.', fields: [] }
  return { title: 'Something went wrong', detail: error instanceof Error ? error.message : String(error), fields: [] }
}

/** `1.4 MB`: decimal units, as object stores bill them. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[step]}`
}

/** `3 minutes`: how long something has taken or is ago, as much as a person wants to know. */
export function durationText(seconds: number): string {
  const steps: readonly (readonly [unit: string, seconds: number])[] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ]
  const [unit, size] = steps.find(([, size]) => seconds >= size * 1.5) ?? ['second', 1]
  const count = Math.max(0, Math.round(seconds / size))
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** `350 ms`, `1.2 s`, `3 minutes`: how long work took. */
export function workTimeText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  return seconds < 90 ? `${seconds.toFixed(1)} s` : durationText(seconds)
}

export function momentText(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))
}

/** `Sun`: what the scanner calls its database, with its age. */
export function databaseText(database: string): string {
  return database === '' ? 'test signatures only' : database.replace('/', ' of ')
}

import { beforeEach, describe, expect, test } from 'vitest'
import { createUploads, type Place, type UploadTarget } from './uploads.ts'
import { NotSent } from './words.ts'

interface Sent {
  readonly name: string
  readonly token: string
  readonly headers: Readonly<Record<string, string>>
  readonly isForm: boolean
  readonly isPendingAt202: boolean
  readonly progress: (part: number) => void
  readonly arrive: () => void
}

/** What is sent, and the server that takes it when the test says so. */
function world() {
  const sent: Sent[] = []
  const refreshed: string[] = []
  const state: { place: Place | null; tokenFor: string } = { place: { personId: 'ann', tenantId: 'a' }, tokenFor: 'a' }
  const uploads = createUploads({
    place: () => state.place,
    bearer: async () => ({ text: `token for ${state.tokenFor}`, tenantId: state.tokenFor }),
    refresh: (paths) => void refreshed.push(...paths),
    send: ({ body, token, headers, isPendingAt202, signal, onProgress }) =>
      new Promise((resolve, reject) => {
        const isForm = body instanceof FormData
        const file = isForm ? [...body.values()].find((value) => value instanceof File) : body
        signal.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')))
        sent.push({
          name: file?.name ?? '',
          token,
          headers,
          isForm,
          isPendingAt202,
          progress: onProgress,
          arrive: () => resolve({ verdict: 'clean' }),
        })
      }),
  })
  const states = () => uploads.shown.get().map(({ name, state }) => `${name} ${state}`)
  return { uploads, sent, refreshed, state, states }
}

const target: UploadTarget = { method: 'POST', path: '/api/v1/files', part: 'file', refreshes: ['/api/v1/files'] }
const file = (name: string) => new File(['1234'], name)

/** What was begun has come as far as it comes by itself. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

let at: ReturnType<typeof world>
beforeEach(() => {
  at = world()
})

describe('uploads', () => {
  test('are sent three at a time, in order, and tell how far they are', async () => {
    at.uploads.add(['1', '2', '3', '4'].map(file), target)
    await settled()
    expect(at.sent.map(({ name }) => name)).toEqual(['1', '2', '3'])
    at.sent[0]?.progress(0.5)
    expect(at.uploads.shown.get()[0]).toMatchObject({ state: 'sending', sent: 2 })
    at.sent[0]?.progress(1)
    expect(at.uploads.shown.get()[0]?.state).toBe('scanning')
    at.sent[0]?.arrive()
    await settled()
    expect(at.states()).toEqual(['1 done', '2 sending', '3 sending', '4 sending'])
    expect(at.refreshed).toEqual(['/api/v1/files'])
  })

  test('go as a part of a form, or as the body itself with its conditions', async () => {
    at.uploads.add([file('1')], target)
    const content = {
      method: 'PUT',
      path: '/api/v1/files/a/content',
      part: null,
      headers: { 'if-match': '"3"' },
      isPendingAt202: true,
      refreshes: [],
    } as const
    at.uploads.add([file('2')], content)
    await settled()
    expect(at.sent.map(({ name, isForm, headers, isPendingAt202 }) => ({ name, isForm, headers, isPendingAt202 }))).toEqual([
      { name: '1', isForm: true, headers: {}, isPendingAt202: false },
      { name: '2', isForm: false, headers: { 'if-match': '"3"' }, isPendingAt202: true },
    ])
  })

  test('that are cancelled before their token is there are never sent', async () => {
    at.uploads.add([file('1')], target)
    at.uploads.cancel(1)
    await settled()
    expect([at.sent, at.states()]).toEqual([[], ['1 cancelled']])
  })

  test('that are cancelled on their way, or while they wait, can be tried again', async () => {
    at.uploads.add(['1', '2', '3', '4'].map(file), target)
    await settled()
    at.uploads.cancel(1)
    at.uploads.cancel(4)
    await settled()
    expect(at.states()).toEqual(['1 cancelled', '2 sending', '3 sending', '4 cancelled'])
    at.uploads.retry(4)
    await settled()
    expect(at.sent.at(-1)?.name).toBe('4')
  })

  test('never land in a tenant that was switched to meanwhile', async () => {
    at.uploads.add(['1', '2', '3', '4'].map(file), target)
    await settled()
    Object.assign(at.state, { place: { personId: 'ann', tenantId: 'b' }, tokenFor: 'b' })
    at.uploads.follow()
    at.sent[0]?.arrive()
    await settled()
    expect(at.sent.map(({ token }) => token)).toEqual(['token for a', 'token for a', 'token for a'])
    expect(at.states().at(-1)).toBe('4 failed')
    expect(at.uploads.shown.get().at(-1)?.error).toBeInstanceOf(NotSent)
    Object.assign(at.state, { place: { personId: 'ann', tenantId: 'a' }, tokenFor: 'a' })
    at.uploads.retry(4)
    await settled()
    expect(at.sent.at(-1)).toMatchObject({ name: '4', token: 'token for a' })
  })

  test('end with the session, and go on when the same person comes back', async () => {
    at.uploads.add(['1', '2', '3', '4'].map(file), target)
    await settled()
    at.state.place = null
    at.uploads.follow()
    await settled()
    expect(at.states()).toEqual(['1 failed', '2 failed', '3 failed', '4 failed'])
    at.state.place = { personId: 'ann', tenantId: 'a' }
    at.uploads.follow()
    at.uploads.retry(4)
    await settled()
    expect(at.states().at(-1)).toBe('4 sending')
  })

  test('are not shown to another person', async () => {
    at.uploads.add([file('1')], target)
    at.state.place = null
    at.uploads.follow()
    at.state.place = { personId: 'bob', tenantId: 'a' }
    at.uploads.follow()
    expect(at.uploads.shown.get()).toEqual([])
  })
})

import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { refresh, refreshInTurn } from './refresh.ts'

const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } })
afterEach(() => client.clear())

/** A list on a screen, and the questions that it has sent: each is answered by hand. */
function list(key: string) {
  const asked: { answer: (items: string[]) => void; signal: AbortSignal }[] = []
  const observer = new QueryObserver<string[]>(client, {
    queryKey: [key, null],
    queryFn: ({ signal }) => new Promise((answer) => asked.push({ answer, signal })),
  })
  onTestFinished(observer.subscribe(() => undefined))
  const shown = (items: string[] | undefined) => expect.poll(() => observer.getCurrentResult().data).toEqual(items)
  return { asked, shown, answer: (nth: number, items: string[]) => asked[nth]?.answer(items), key: [key, null] }
}

async function shownList(key: string) {
  const shown = list(key)
  shown.answer(0, ['old'])
  await shown.shown(['old'])
  return shown
}

describe('what lies below a path', () => {
  test('is asked anew when it had an answer', async () => {
    const files = await shownList('GET /api/v1/files')
    const done = refresh(client, ['/api/v1/files'])
    await expect.poll(() => files.asked.length).toBe(2)
    files.answer(1, ['old', 'new'])
    await done
    await files.shown(['old', 'new'])
  })

  test('is asked anew while its first question is on its way, whose answer counts no more', async () => {
    const files = list('GET /api/v1/files')
    const done = refresh(client, ['/api/v1/files'])
    await expect.poll(() => files.asked.length).toBe(2)
    expect(files.asked[0]?.signal.aborted).toBe(true)
    files.answer(0, ['from before the change'])
    files.answer(1, ['new'])
    await done
    await files.shown(['new'])
  })

  test('is asked anew while a later question is on its way', async () => {
    const files = await shownList('GET /api/v1/files')
    const first = refresh(client, ['/api/v1/files'])
    await expect.poll(() => files.asked.length).toBe(2)
    const second = refresh(client, ['/api/v1/files'])
    await expect.poll(() => files.asked.length).toBe(3)
    files.answer(1, ['from between'])
    files.answer(2, ['last'])
    await Promise.all([first, second])
    await files.shown(['last'])
  })

  test.each(['GET /api/v1/files/{id}', 'GET /api/v1/files/{id}/versions'])('%s is one of it', async (key) => {
    const one = list(key)
    const done = refresh(client, ['/api/v1/files'])
    await expect.poll(() => one.asked.length).toBe(2)
    one.answer(1, ['anew'])
    await done
    await one.shown(['anew'])
  })

  test('is only marked where no screen shows it', async () => {
    client.setQueryData(['GET /api/v1/files', null], ['old'])
    await refresh(client, ['/api/v1/files'])
    expect(client.getQueryState(['GET /api/v1/files', null])).toMatchObject({ isInvalidated: true, fetchStatus: 'idle', data: ['old'] })
  })
})

test.each(['GET /api/v1/folders', 'GET /api/v1/filesystems', 'public menu'])('%s is left alone', async (key) => {
  const other = list(key)
  await refresh(client, ['/api/v1/files'])
  expect(other.asked).toMatchObject([{ signal: { aborted: false } }])
  other.answer(0, ['its own'])
  await other.shown(['its own'])
  expect(client.getQueryState(other.key)?.isInvalidated).toBe(false)
})

describe('changes one after the other', () => {
  test('give up one question at most: the next waits for its answer, and stands for all of them', async () => {
    const files = list('GET /api/v1/files')
    const refreshed = refreshInTurn(client)
    const first = refreshed(['/api/v1/files'])
    await expect.poll(() => files.asked.length).toBe(2)
    await Promise.all([refreshed(['/api/v1/files']), refreshed(['/api/v1/files'])])
    expect(files.asked).toHaveLength(2)
    files.answer(1, ['one'])
    await files.shown(['one'])
    await expect.poll(() => files.asked.length).toBe(3)
    files.answer(2, ['one', 'two', 'three'])
    await first
    await files.shown(['one', 'two', 'three'])
    expect(files.asked).toHaveLength(3)
  })

  test('of other paths do not wait', async () => {
    const [files, dishes] = [list('GET /api/v1/files'), list('GET /api/v1/dishes')]
    const refreshed = refreshInTurn(client)
    const both = [refreshed(['/api/v1/files']), refreshed(['/api/v1/dishes'])]
    await expect.poll(() => [files.asked.length, dishes.asked.length]).toEqual([2, 2])
    for (const each of [files, dishes]) each.answer(1, [])
    await Promise.all(both)
  })

  test('go on after one whose question was taken back', async () => {
    const files = list('GET /api/v1/files')
    const refreshed = refreshInTurn(client)
    const first = refreshed(['/api/v1/files'])
    await expect.poll(() => files.asked.length).toBe(2)
    // As when somebody enters another tenant.
    client.removeQueries()
    await first
    const again = await shownList('GET /api/v1/files')
    const second = refreshed(['/api/v1/files'])
    await expect.poll(() => again.asked.length).toBe(2)
    again.answer(1, ['new'])
    await second
    await again.shown(['new'])
  })
})

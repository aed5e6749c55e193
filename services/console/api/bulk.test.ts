import { beforeEach, describe, expect, test } from 'vitest'
import { createBulk } from './bulk.ts'
import type { Place } from './uploads.ts'

function world() {
  const state: { place: Place | null } = { place: { personId: 'ann', tenantId: 'a' } }
  const begun: { readonly item: number; readonly end: () => void; readonly fail: () => void }[] = []
  const refreshed: string[] = []
  const bulk = createBulk({ place: () => state.place, refresh: (paths) => void refreshed.push(...paths) })
  const start = (count: number) =>
    bulk.run({
      title: 'Moving',
      items: Array.from({ length: count }, (_, index) => index + 1),
      nameOf: (item) => `file ${item}`,
      act: (item) => new Promise<void>((resolve, reject) => begun.push({ item, end: resolve, fail: () => reject(new Error('no')) })),
      refreshes: ['/api/v1/files'],
    })
  return { state, begun, refreshed, bulk, start }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

let at: ReturnType<typeof world>
beforeEach(() => {
  at = world()
})

describe('a change of many things', () => {
  test('goes four at a time, counts what is done and names what has failed', async () => {
    const all = at.start(6)
    expect(at.begun.map(({ item }) => item)).toEqual([1, 2, 3, 4])
    at.begun[0]?.end()
    at.begun[1]?.fail()
    await settled()
    expect(at.bulk.shown.get()).toMatchObject({ total: 6, done: 2, isRunning: true, failures: [{ name: 'file 2' }] })
    for (const { end } of at.begun) end()
    await all
    expect(at.bulk.shown.get()).toMatchObject({ done: 6, isRunning: false, isStopped: false })
    expect(at.refreshed).toEqual(['/api/v1/files'])
  })

  test('is one at a time', async () => {
    const all = at.start(1)
    await at.start(5)
    expect(at.begun).toHaveLength(1)
    at.begun[0]?.end()
    await all
  })

  test('that is stopped finishes what is on its way', async () => {
    const all = at.start(9)
    at.bulk.stop()
    for (const { end } of at.begun) end()
    await all
    expect([at.begun.length, at.bulk.shown.get()]).toEqual([
      4,
      expect.objectContaining({ done: 4, total: 9, isStopped: true, isRunning: false }),
    ])
  })

  test('does not go on in another tenant', async () => {
    const all = at.start(9)
    at.state.place = { personId: 'ann', tenantId: 'b' }
    at.bulk.follow()
    for (const { end } of at.begun) end()
    await all
    expect(at.begun).toHaveLength(4)
  })

  test('goes on while the session is only renewed', async () => {
    const all = at.start(5)
    at.state.place = { personId: 'ann', tenantId: 'a' }
    at.bulk.follow()
    at.begun[0]?.end()
    await settled()
    expect(at.begun).toHaveLength(5)
    for (const { end } of at.begun) end()
    await all
  })

  test('is closed only when it has ended', async () => {
    const all = at.start(1)
    at.bulk.close()
    expect(at.bulk.shown.get()).not.toBeNull()
    at.begun[0]?.end()
    await all
    at.bulk.close()
    expect(at.bulk.shown.get()).toBeNull()
  })
})

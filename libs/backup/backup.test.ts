import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isOverdue } from './age.ts'
import { expired } from './catalog.ts'
import { chooseBackups } from './choose.ts'
import { DigestSet, digestOf, inParallel } from './digest.ts'
import { backupId, isBackupId, type ObjectsManifest, type PostgresManifest, timeOf } from './manifest.ts'

const day = 86_400_000
const noon = Date.parse('2026-11-21T12:00:00Z')
const sha = (text: string | number) => createHash('sha256').update(String(text)).digest('hex')

describe('an id', () => {
  test('is the moment of its beginning, and sorts as text', () => {
    expect(backupId(Date.parse('2026-11-21T02:15:07.999Z'))).toBe('20261121T021507Z')
    expect(timeOf('20261121T021507Z')).toBe(Date.parse('2026-11-21T02:15:07Z'))
    expect([noon + day, noon - day, noon].map(backupId).toSorted().map(timeOf)).toEqual([noon - day, noon, noon + day])
  })

  test.each(['latest', '2026-11-21', '20261121T021507', 'x20261121T021507Z', '../20261121T021507Z'])('is not %s', (text) => {
    expect(isBackupId(text)).toBe(false)
  })
})

describe('retention', () => {
  const daily = Array.from({ length: 20 }, (_, age) => ({ id: backupId(noon - age * day) }))
  const kept = (keepDays: number, keepAtLeast: number, now = noon) => {
    const gone = expired(daily, { keepDays, keepAtLeast }, now)
    return daily.filter((one) => !gone.includes(one)).length
  }

  test.each([
    [7, 3, 8],
    [1, 1, 2],
    [30, 1, 20],
    [7, 12, 12],
    [1, 30, 20],
  ])('of %s days, at least %s, keeps %s of twenty daily ones', (days, least, left) => {
    expect(kept(days, least)).toBe(left)
  })

  test('never removes the last one, however long ago it was and whatever it is told', () => {
    expect(kept(1, 0, noon + 1000 * day)).toBe(1)
    expect(expired(daily, { keepDays: 1, keepAtLeast: 1 }, noon + 1000 * day)).not.toContain(daily[0])
  })

  test('does not depend on the order that it is told in', () => {
    expect(expired(daily.toReversed(), { keepDays: 7, keepAtLeast: 1 }, noon)).toEqual(
      expired(daily, { keepDays: 7, keepAtLeast: 1 }, noon),
    )
  })
})

describe('the choice of backups', () => {
  const dump = (id: string) =>
    ({
      kind: 'postgres',
      id,
      startedAt: new Date(timeOf(id)).toISOString(),
      endedAt: new Date(timeOf(id) + 60_000).toISOString(),
    }) as PostgresManifest
  const copies = (id: string) => ({ kind: 'objects', id, startedAt: new Date(timeOf(id)).toISOString() }) as ObjectsManifest
  const backups = [
    copies('20261123T024500Z'),
    dump('20261123T021500Z'),
    copies('20261122T024500Z'),
    dump('20261122T021500Z'),
    copies('20261121T024500Z'),
  ]
  const choose = (from: string, only?: 'postgres' | 'objects') => {
    const { postgres, objects } = chooseBackups({ backups, unreadable: [], incomplete: [] }, { from, only })
    return [postgres?.id, objects?.id]
  }

  test('takes to a dump the objects that were copied next', () => {
    expect(choose('latest')).toEqual(['20261123T021500Z', '20261123T024500Z'])
    expect(choose('20261122T021500Z')).toEqual(['20261122T021500Z', '20261122T024500Z'])
  })

  test('takes the ones before while there are none after, and none when there are none', () => {
    const early = chooseBackups({ backups: backups.slice(1), unreadable: [], incomplete: [] }, { from: 'latest' })
    expect([early.postgres?.id, early.objects?.id]).toEqual(['20261123T021500Z', '20261122T024500Z'])
    expect(chooseBackups({ backups: [dump('20261122T021500Z')], unreadable: [], incomplete: [] }, { from: 'latest' })).not.toHaveProperty(
      'objects',
    )
  })

  test('may be of one kind', () => {
    expect(choose('latest', 'postgres')).toEqual(['20261123T021500Z', undefined])
    expect(choose('20261121T024500Z', 'objects')).toEqual([undefined, '20261121T024500Z'])
  })

  test('says what there is when it is asked for what is not', () => {
    expect(() => choose('20261121T024500Z')).toThrow('there is no such backup: 20261121T024500Z')
    expect(() => choose('yesterday')).toThrow('"yesterday" is no id')
    const unreadable = [{ kind: 'postgres', id: '20261120T021500Z', reason: 'its manifest is damaged' }] as const
    expect(() => chooseBackups({ backups, unreadable, incomplete: [] }, { from: '20261120T021500Z' })).toThrow('its manifest is damaged')
  })
})

test('two missed runs are overdue, one is late', () => {
  const schedule = '0 2 * * *'
  const last = Date.parse('2026-11-20T02:00:00Z')
  expect(isOverdue({ schedule, last, now: Date.parse('2026-11-22T01:59:00Z') })).toBe(false)
  expect(isOverdue({ schedule, last, now: Date.parse('2026-11-22T02:01:00Z') })).toBe(true)
})

describe('a set of digests', () => {
  test('has what was added and nothing else, also after it has grown', () => {
    const set = new DigestSet()
    for (let n = 0; n < 20_000; n++) set.add(sha(n))
    for (let n = 0; n < 20_000; n += 7) set.add(sha(n))
    expect(set.size).toBe(20_000)
    for (let n = 0; n < 20_000; n++) expect(set.has(sha(n))).toBe(true)
    for (let n = 20_000; n < 30_000; n++) expect(set.has(sha(n))).toBe(false)
  })

  test('remembers which were seen', () => {
    const set = new DigestSet()
    for (const n of [1, 2, 3]) set.add(sha(n))
    for (const n of [1, 2, 2, 9]) set.mark(sha(n))
    expect(set.unmarked).toBe(1)
    for (let n = 10; n < 5000; n++) set.add(sha(n))
    set.mark(sha(3))
    expect(set.unmarked).toBe(4990)
  })

  test('takes a digest that begins with zeros', () => {
    const set = new DigestSet()
    expect(set.has('0'.repeat(64))).toBe(false)
    set.add('0'.repeat(64))
    expect(set.has('0'.repeat(64))).toBe(true)
  })
})

describe('work side by side', () => {
  test('is never more than told, and comes in its order', async () => {
    let running = 0
    let most = 0
    const gates = Array.from({ length: 10 }, () => Promise.withResolvers<void>())
    const all = inParallel([...gates.keys()], 3, async (n) => {
      most = Math.max(most, ++running)
      await gates[n]?.promise
      running--
      return n * 2
    })
    for (const gate of gates.toReversed()) gate.resolve()
    expect(await all).toEqual([...gates.keys()].map((n) => n * 2))
    expect(most).toBe(3)
  })

  test('fails with the first failure, when nothing runs any more', async () => {
    const done: number[] = []
    const failing = inParallel([1, 2, 3, 4], 2, async (n) => {
      if (n === 2) throw new Error('the second')
      await Promise.resolve()
      done.push(n)
    })
    await expect(failing).rejects.toThrow('the second')
    expect(done).toContain(1)
  })
})

test('a digest is of all bytes', async () => {
  async function* chunks() {
    yield Buffer.from('ab')
    yield Buffer.from('c')
  }
  expect(await digestOf(chunks())).toEqual({ size: 3, sha256: sha('abc') })
})

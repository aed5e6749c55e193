import type { Manifest } from '@slipway/backup'
import { describe, expect, test } from 'vitest'
import { judge } from './backups.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const daily = { kind: 'postgres', schedule: '15 2 * * *' } as const
const about = { version: 1, app: 'test', startedAt: '', endedAt: '', bytes: 5 * 1024 * 1024, sha256: '' } as const
const dump = (id: string): Manifest => ({ ...about, kind: 'postgres', id, server: '18', schemas: {} })
const copies = (id: string, damaged = 0): Manifest => ({
  ...about,
  kind: 'objects',
  id,
  buckets: [],
  objects: 1,
  index: { bytes: 1, sha256: '' },
  damaged,
})
const catalog = { backups: [], unreadable: [], incomplete: [] }

describe('the newest backup', () => {
  test('is told with its age and its size', () => {
    const found = judge({ ...catalog, backups: [dump('20261121T021500Z'), dump('20261120T021500Z')] }, daily, now)
    expect(found).toEqual({ level: 'ok', fault: null, what: '20261121T021500Z, 9.8 hours old, 5.0 MiB' })
  })

  test.each([
    { when: 'one run was missed', id: '20261120T021500Z', schedule: daily.schedule, level: 'ok' },
    { when: 'two runs were missed', id: '20261119T021500Z', schedule: daily.schedule, level: 'warn' },
    { when: 'no run of every week was missed', id: '20261119T021500Z', schedule: '0 3 * * 6', level: 'ok' },
    { when: 'two runs of an hour were missed', id: '20261121T094500Z', schedule: '@hourly', level: 'warn' },
  ])('when $when: $level', ({ id, schedule, level }) => {
    expect(judge({ ...catalog, backups: [dump(id)] }, { ...daily, schedule }, now)).toMatchObject({ level })
  })

  test('is missed when there is none of its kind', () => {
    const found = judge({ ...catalog, backups: [copies('20261121T021500Z')] }, daily, now)
    expect(found).toMatchObject({ level: 'warn', what: 'there is none yet', fix: expect.stringContaining('slipway backup postgres') })
  })

  test('is not well when objects had decayed, or a manifest cannot be read', () => {
    const objects = { kind: 'objects', schedule: '45 2 * * *' } as const
    const backups = [copies('20261121T024500Z', 3)]
    expect(judge({ ...catalog, backups }, objects, now)).toMatchObject({
      level: 'warn',
      what: expect.stringContaining('3 objects had other bytes'),
    })
    const unreadable = [{ kind: 'postgres', id: '20261120T021500Z', reason: 'the manifest is damaged' }] as const
    expect(judge({ ...catalog, unreadable, backups: [dump('20261121T021500Z')] }, daily, now)).toMatchObject({
      level: 'warn',
      what: expect.stringContaining('the manifest is damaged'),
    })
  })
})

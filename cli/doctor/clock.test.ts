import { expect, test } from 'vitest'
import { compareClocks } from './clock.ts'

test.each([
  [0, 'ok', 'the same time as here'],
  [4000, 'ok', 'the same time as here'],
  [10_000, 'warn', '10 s ahead of the clock here'],
  [-10_000, 'warn', '10 s behind the clock here'],
  [120_000, 'fail', '120 s ahead of the clock here'],
])('a clock that is %i ms off is %s', async (milliseconds, level, what) => {
  const found = await compareClocks('redis.clock', { read: async () => Date.now() + milliseconds })
  expect(found).toMatchObject({ level, what, fault: level === 'ok' ? null : 'redis.clock' })
})

test('what tells whole seconds only is given the half of one, and is not blamed for it', async () => {
  const found = await compareClocks('storage.clock', { read: async () => Date.now() - 5400, resolution: 1000 })
  expect(found).toMatchObject({ level: 'ok' })
})

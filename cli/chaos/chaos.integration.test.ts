import { expect, test } from 'vitest'
import { processesWith, slipway, start } from '../command.fixtures.ts'

/** Whole platforms, one after the other: on a busy machine each takes its minutes. That nothing is violated where nothing is broken is a step of its own. */
const timeout = 600_000
const only = ['--only', 'redis wiped']

test('a scanner that lies is found out, and what was accepted by it', { timeout }, async () => {
  const { code, output } = await slipway('chaos', ...only, '--break', 'lie')
  expect(code, output).toBe(1)
  expect(output).toContain('infected-accepted')
  expect(output).toContain('unscanned-readable')
})

test('an object that is lost behind the back is found missing', { timeout }, async () => {
  const { code, output } = await slipway('chaos', ...only, '--break', 'lose')
  expect(code, output).toBe(1)
  expect(output).toMatch(/violated {4}lost .*: there is no object/)
  expect(output).toMatch(/violated {4}left-over .*1 of \d+ rows/)
})

test('what the sweep leaves is found', { timeout }, async () => {
  const { code, output } = await slipway('chaos', ...only, '--break', 'leave')
  expect(code, output).toBe(1)
  expect(output).toMatch(/violated {4}left-over .*1 of \d+ objects/)
  expect(output).toMatch(/violated {4}left-over .*1 are open/)
})

test('when it is interrupted nothing of it stays', { timeout }, async () => {
  const { child, printed, result } = start(['chaos'])
  await expect.poll(printed, { timeout: 300_000 }).toContain('requests per second')
  const folder = /logs and data in (\S+)/.exec(printed())?.[1] ?? ''
  expect(processesWith(folder).length).toBeGreaterThan(8)
  child.kill('SIGTERM')
  expect((await result).code).toBe(130)
  expect(processesWith(folder)).toEqual([])
})

test.each([
  [['--only', 'clamd kiled'], 'did you mean "clamd killed"'],
  [['--break', 'all'], 'lie, lose, leave'],
  [['--long'], '--long'],
])('%j is refused with what to write instead', async (args, told) => {
  const { code, output } = await slipway('chaos', ...args)
  expect(code).toBe(2)
  expect(output).toContain(told)
})

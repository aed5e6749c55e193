import { expect, test } from 'vitest'
import { vitestResult } from './steps.ts'

const noise = Array.from({ length: 50 }, (_, line) => `WARNING: ${line}`).join('\n')

test('what failed stands first, once, whatever else was printed', () => {
  const failure = ' FAIL  |unit| libs/a.test.ts > adds\nAssertionError: 3 is not 4'
  const output = [noise, failure, '⎯⎯', failure, '      Tests  1 failed | 41 passed (42)'].join('\n')
  const result = vitestResult({ exitCode: 1, output })
  expect(result).toMatchObject({ ok: false, note: '1 failed | 41 passed' })
  expect(result.output).toBe(`FAIL  |unit| libs/a.test.ts > adds\n\n${output}`)
})

test('what is well is told in numbers', () => {
  const output = '\n      Tests  41 passed | 1 skipped (42)'
  expect(vitestResult({ exitCode: 0, output })).toEqual({ ok: true, output, note: '41 passed | 1 skipped' })
})

test('a run that broke off keeps what it said', () => {
  expect(vitestResult({ exitCode: 1, output: 'Error: no project' })).toEqual({ ok: false, output: 'Error: no project' })
})

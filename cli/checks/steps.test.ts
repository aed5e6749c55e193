import { expect, test } from 'vitest'
import { vitestResult } from './steps.ts'

const noise = Array.from({ length: 50 }, (_, line) => `WARNING: ${line}`).join('\n')

test('what failed stands first, once, with its reasons, whatever else was printed', () => {
  const failure = ' FAIL  |unit| libs/a.test.ts > adds\nAssertionError: 3 is not 4'
  const told = ['⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯', '', failure, '⎯⎯', failure, '      Tests  1 failed | 41 passed (42)'].join('\n')
  const result = vitestResult({ exitCode: 1, output: `${noise}\n${told}` })
  expect(result).toMatchObject({ ok: false, note: '1 failed | 41 passed' })
  expect(result.output).toBe(`FAIL  |unit| libs/a.test.ts > adds\n\n${told}\n${noise}\n`)
})

test('what failed outside of tests as well', () => {
  const told = ['⎯⎯ Unhandled Errors ⎯⎯', ' FAIL  |unit| libs/a.test.ts', 'Error: nobody waited for this'].join('\n')
  expect(vitestResult({ exitCode: 1, output: `${noise}\n${told}` }).output).toBe(`FAIL  |unit| libs/a.test.ts\n\n${told}\n${noise}\n`)
})

test('what is well is told in numbers', () => {
  const output = '\n      Tests  41 passed | 1 skipped (42)'
  expect(vitestResult({ exitCode: 0, output })).toEqual({ ok: true, output, note: '41 passed | 1 skipped' })
})

test('a run that broke off keeps what it said', () => {
  expect(vitestResult({ exitCode: 1, output: 'Error: no project' })).toEqual({ ok: false, output: 'Error: no project' })
})

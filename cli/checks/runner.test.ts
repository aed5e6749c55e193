import { expect, test } from 'vitest'
import { runTool } from './run-tool.ts'
import { runSteps } from './runner.ts'
import type { Step } from './steps.ts'

const step = (name: string, ok: boolean, output = ''): Step => ({ name, run: async () => ({ ok, output }) })

async function outcome(steps: Step[], concurrency = 1) {
  const lines: string[] = []
  const failed = await runSteps(steps, { concurrency, print: (text) => lines.push(text), now: () => 0 })
  return { failed, lines }
}

test('a step that is well is one line, a failed one shows what it had to say', async () => {
  const { failed, lines } = await outcome([step('types', true, 'much text'), step('lint', false, 'a.ts:3: no')])
  expect(failed).toEqual(['lint'])
  expect(lines).toEqual(['ok    types           0.0 s', 'FAIL  lint            0.0 s', '\na.ts:3: no\n'])
})

test('all steps run although one fails, and failures are told in the order of the list', async () => {
  const { failed } = await outcome([step('a', false), step('b', true), step('c', false)], 3)
  expect(failed).toEqual(['a', 'c'])
})

test('no more than so many at a time', async () => {
  let running = 0
  let most = 0
  const counting: Step = {
    name: 'counts',
    async run() {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return { ok: true, output: '' }
    },
  }
  await outcome([counting, counting, counting, counting], 2)
  expect(most).toBe(2)
})

test('a step that breaks counts as failed', async () => {
  const { failed, lines } = await outcome([{ name: 'knip', run: () => Promise.reject(new Error('out of memory')) }])
  expect(failed).toEqual(['knip'])
  expect(lines.join()).toContain('out of memory')
})

test('a tool runs on our own Node and tells what it printed, on both streams', async () => {
  const script = 'console.log(process.version); console.error("warned"); process.exit(4)'
  const { exitCode, output } = await runTool('node', ['-e', script])
  expect(exitCode).toBe(4)
  expect(output).toContain(process.version)
  expect(output).toContain('warned')
})

test('variables can be added and kept away', async () => {
  const script = 'console.log(JSON.stringify([process.env.ADDED, process.env.HOME ?? null]))'
  const { output } = await runTool('node', ['-e', script], { environment: { ADDED: 'x' }, without: (name) => name === 'HOME' })
  expect(output).toBe('["x",null]')
})

test('a tool that is not there is told', async () => {
  expect(await runTool('/nowhere/tool', [])).toMatchObject({ exitCode: 127, output: expect.stringContaining('/nowhere/tool') })
})

import { clientNames, processEnvironment } from '@slipway/config'
import { textOption, usageFailure } from '../arguments.ts'
import { blackBoxStep, browserStep } from '../checks/black-box.ts'
import { runSteps } from '../checks/runner.ts'
import { blackBoxTests, chaosStep, chartStep, type Step, staticSteps, vitestStep } from '../checks/steps.ts'
import type { Command, Invocation } from '../command.ts'
import { exitCodes } from '../failure.ts'

const parts = ['static', 'unit', 'integration', 'chart', 'e2e', 'browser', 'chaos'] as const

export const test: Command = {
  usage: 'test [static|unit|integration|chart|e2e [--url URL]|browser|chaos]',
  options: { url: { type: 'string' } },
  words: [0, 1],
  choices: parts,
  async run(invocation) {
    const part = invocation.words[0]
    const began = performance.now()
    const print = (text: string) => console.log(text)
    const tests = testSteps(part, invocation)
    const failed = [
      ...(await runSteps(part === undefined || part === 'static' ? staticSteps : [], { concurrency: 2, print })),
      ...(await runSteps(tests, { concurrency: 1, print })),
    ]
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    console.log(failed.length === 0 ? `\nAll well after ${seconds} s.` : `\nFailed after ${seconds} s: ${failed.join(', ')}`)
    return failed.length === 0 ? exitCodes.ok : exitCodes.failed
  },
}

function testSteps(part: string | undefined, invocation: Invocation): Step[] {
  const url = textOption(invocation, 'url')
  if (url !== undefined && part !== 'e2e') throw usageFailure('--url is for black-box tests only', 'usage: slipway test e2e --url URL')
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw usageFailure(`--url is "${url}"`, 'give an http or https URL')
  const steps = {
    unit: vitestStep('unit'),
    integration: vitestStep('integration'),
    chart: chartStep,
    e2e: url === undefined ? blackBoxStep : againstInstallation(url),
    browser: browserStep,
    chaos: chaosStep,
  }
  if (part === undefined) return Object.values(steps)
  return part in steps ? [steps[part as keyof typeof steps]] : []
}

/** Any installation will do: its address is given, credentials come from the environment. */
function againstInstallation(url: string): Step {
  const inherited = processEnvironment()
  const credentials = Object.fromEntries(clientNames.flatMap((name) => (inherited[name] ? [[name, inherited[name]]] : [])))
  return { name: 'e2e', run: () => blackBoxTests({ ...credentials, SLIPWAY_URL: url }) }
}

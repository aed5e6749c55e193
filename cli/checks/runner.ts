import type { Step, StepResult } from './steps.ts'

interface RunnerOptions {
  /** How many steps run at a time. */
  concurrency: number
  print: (text: string) => void
  now?: () => number
}

/**
 * Runs steps and tells each one's end in a line; what a failed one had to say follows at once. All of them run, so that one look
 * shows everything that is wrong.
 * @returns the names of the steps that failed
 */
export async function runSteps(steps: readonly Step[], options: RunnerOptions): Promise<string[]> {
  const waiting = [...steps]
  const failed: string[] = []
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      if (!(await runStep(step, options))) failed.push(step.name)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, lane))
  return steps.map((step) => step.name).filter((name) => failed.includes(name))
}

async function runStep(step: Step, { print, now = () => performance.now() }: RunnerOptions): Promise<boolean> {
  const began = now()
  const { ok, output, note } = await step.run().catch(crashed)
  const seconds = ((now() - began) / 1000).toFixed(1)
  print(`${ok ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(12)} ${seconds.padStart(6)} s${note ? `  ${note}` : ''}`)
  if (!ok) print(`\n${output}\n`)
  return ok
}

function crashed(error: unknown): StepResult {
  return { ok: false, output: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

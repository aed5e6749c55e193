import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@slipway/stack'
import { checkout, homeAt } from '../home.ts'
import { readDevEnv } from '../stack/dev-env.ts'
import { runTool } from './run-tool.ts'
import { blackBoxTests, type Step, type StepResult } from './steps.ts'

/** Small limits, so that what lies beyond them is quickly made. */
const limits = {
  CLAMAV_MAX_FILE_BYTES: '16777216',
  FILES_MAX_BYTES: '16777216',
  FILES_SYNC_BYTES: '4194304',
  FILES_QUOTA_BYTES: '134217728',
}

const command = join(checkout, 'cli', 'main.ts')

/** Starts a fresh stack as a person would, runs the black-box tests against it, takes it down. A failed one leaves its logs. */
export const blackBoxStep: Step = {
  name: 'e2e',
  async run() {
    const folder = join(mkdtempSync(join(tmpdir(), 'slipway-e2e-')), 'home')
    const [port = 0] = await freePorts(1)
    try {
      const result = await onFreshStack(folder, port)
      return result.ok ? result : { ...result, output: `${result.output}\n\nlogs of the stack: ${folder}/logs` }
    } finally {
      await slipway('down', '--home', folder)
    }
  },
}

async function onFreshStack(folder: string, port: number): Promise<StepResult> {
  const up = await slipway('up', '--detach', '--home', folder, '--port', String(port))
  const environment = readDevEnv(homeAt(folder).devEnv)
  if (up.exitCode !== 0 || !environment) return { ok: false, output: up.output }
  const result = await blackBoxTests({ ...environment })
  if (!result.ok) return result
  const down = await slipway('reset', '--yes', '--home', folder)
  if (down.exitCode !== 0) return { ok: false, output: down.output }
  rmSync(join(folder, '..'), { recursive: true, force: true })
  return result
}

function slipway(...args: string[]) {
  return runTool(process.execPath, [command, ...args], { environment: limits, without: (name) => name.startsWith('SLIPWAY_') })
}

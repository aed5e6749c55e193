import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrograms, freePorts } from '@slipway/stack'
import { checkout, homeAt } from '../home.ts'
import { readDevEnv } from '../stack/dev-env.ts'
import { runTool } from './run-tool.ts'
import { blackBoxTests, browserTests, type Step, type StepResult } from './steps.ts'

/** Small limits, so that what lies beyond them is quickly made, and none on how fast models are. */
const limits = {
  CLAMAV_MAX_FILE_BYTES: '16777216',
  FILES_MAX_BYTES: '16777216',
  FILES_SYNC_BYTES: '4194304',
  FILES_QUOTA_BYTES: '134217728',
  MENU_PHOTO_BYTES: '8388608',
  MENU_MODELS_PER_MINUTE: '1000',
}

const command = join(checkout, 'cli', 'main.ts')

type DevEnv = NonNullable<ReturnType<typeof readDevEnv>>
type StackTests = (environment: DevEnv, folder: string) => Promise<StepResult>

/** What clients of the API see. */
export const blackBoxStep: Step = { name: 'e2e', run: () => onFreshStack((environment) => blackBoxTests({ ...environment })) }

/** What people see, also as an operator: the console in a real browser, which is installed when there is none. */
export const browserStep: Step = {
  name: 'browser',
  async run() {
    const [chromium] = await ensurePrograms(['chromium'])
    return onFreshStack(async (environment, folder) => {
      const promoted = await slipway('operator', 'add', environment.SLIPWAY_EMAIL, '--home', folder)
      if (promoted.exitCode !== 0) return { ok: false, output: promoted.output }
      return browserTests({ ...environment, CHROME_BIN: chromium })
    })
  },
}

/** Starts a fresh stack as a person would, runs tests against it, takes it down. A failed run leaves its logs. */
async function onFreshStack(tests: StackTests): Promise<StepResult> {
  const folder = join(mkdtempSync(join(tmpdir(), 'slipway-e2e-')), 'home')
  try {
    const result = await upAndDown(folder, tests)
    return result.ok ? result : { ...result, output: `${result.output}\n\nlogs of the stack: ${folder}/logs` }
  } finally {
    await slipway('down', '--home', folder)
  }
}

async function upAndDown(folder: string, tests: StackTests): Promise<StepResult> {
  const [port = 0] = await freePorts(1)
  const up = await slipway('up', '--detach', '--home', folder, '--port', String(port))
  const environment = readDevEnv(homeAt(folder).devEnv)
  if (up.exitCode !== 0 || !environment) return { ok: false, output: up.output }
  const result = await tests(environment, folder)
  if (!result.ok) return result
  const down = await slipway('reset', '--yes', '--home', folder)
  if (down.exitCode !== 0) return { ok: false, output: down.output }
  rmSync(join(folder, '..'), { recursive: true, force: true })
  return result
}

function slipway(...args: string[]) {
  return runTool(process.execPath, [command, ...args], { environment: limits, without: (name) => name.startsWith('SLIPWAY_') })
}

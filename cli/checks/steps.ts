import { join } from 'node:path'
import { ensureBinaries } from '@slipway/stack'
import { checkout } from '../home.ts'
import { sourceFiles } from './imports.ts'
import { licenceFaults, renderLicenceFaults } from './licences.ts'
import { runTool, type ToolResult } from './run-tool.ts'
import { renderViolations, structureViolations } from './structure.ts'
import { workspaceFolders } from './workspaces.ts'

export interface StepResult {
  readonly ok: boolean
  /** What a person needs to see when it failed. */
  readonly output: string
  /** A word or two for the line of a step that is well: how much was checked. */
  readonly note?: string
}

export interface Step {
  readonly name: string
  run(): Promise<StepResult>
}

function tool(name: string, command: string, args: readonly string[]): Step {
  return { name, run: async () => resultOf(await runTool(command, args)) }
}

function resultOf({ exitCode, output }: ToolResult): StepResult {
  return { ok: exitCode === 0, output }
}

const structure: Step = {
  name: 'structure',
  async run() {
    const files = sourceFiles(checkout)
    const violations = structureViolations(files, workspaceFolders(checkout))
    return { ok: violations.length === 0, output: renderViolations(violations), note: `${files.length} files` }
  },
}

const licences: Step = {
  name: 'licences',
  async run() {
    const { checked, faults } = licenceFaults(checkout)
    return { ok: faults.length === 0, output: renderLicenceFaults(faults), note: `${checked} packages` }
  },
}

/** What needs nothing to run. */
export const staticSteps: readonly Step[] = [
  tool('types', 'tsc', ['--noEmit']),
  tool('types of the console', 'tsc', ['--noEmit', '--project', 'services/console']),
  tool('format', 'biome', ['check', '.']),
  tool('lint', 'oxlint', ['--deny-warnings']),
  tool('dead code', 'knip', ['--no-progress']),
  structure,
  licences,
]

/** Variables of a person's own stack must not reach tests that make their own. */
const ofTheUser = (name: string) => name.startsWith('SLIPWAY_') || name.startsWith('OTEL_')

/** Only what failed is printed: the line of the step has the rest. */
const vitest = (project: string): string[] => ['run', '--project', project, '--reporter', 'minimal']

export function vitestStep(project: 'unit' | 'integration'): Step {
  return {
    name: project,
    async run() {
      if (project === 'integration') await ensureBinaries()
      return vitestResult(await runTool('vitest', vitest(project), { without: ofTheUser }))
    },
  }
}

/** What the scan gate does when what is around it fails: the short list. */
export const chaosStep: Step = {
  name: 'chaos',
  async run() {
    await ensureBinaries()
    const { exitCode, output } = await runTool(process.execPath, [join(checkout, 'cli', 'main.ts'), 'chaos', '--short'], {
      without: ofTheUser,
    })
    return { ok: exitCode === 0, output, note: /^\d+ uploads/m.exec(output)?.[0] ?? '' }
  },
}

/** What the chart renders, by Helm 3 or 4, and what tools of others say of it; what a machine has not got is left out, and said so. */
export const chartStep: Step = {
  name: 'chart',
  async run() {
    const missing = await missingTools({
      helm: ['version', '--short'],
      kubeconform: ['-v'],
      'kube-score': ['version'],
      promtool: ['--version'],
    })
    if (missing.includes('helm'))
      return { ok: true, output: '', note: 'left out: there is no helm here, see https://helm.sh/docs/intro/install' }
    const result = vitestResult(await runTool('vitest', vitest('chart'), { without: ofTheUser }))
    return missing.length === 0 ? result : { ...result, note: `${result.note ?? ''}; there is no ${missing.join(' and no ')} here` }
  },
}

/** Names of those that cannot be started. */
async function missingTools(tools: Readonly<Record<string, readonly string[]>>): Promise<string[]> {
  const found = await Promise.all(Object.entries(tools).map(async ([name, args]) => ({ name, ...(await runTool(name, args)) })))
  return found.filter(({ exitCode }) => exitCode !== 0).map(({ name }) => name)
}

export const blackBoxTests = vitestAgainst('e2e')
export const browserTests = vitestAgainst('browser')

/** Tests that look at a running installation from outside; they get its address and credentials from the environment. */
function vitestAgainst(project: 'e2e' | 'browser') {
  return async (environment: Readonly<Record<string, string>>): Promise<StepResult> =>
    vitestResult(await runTool('vitest', vitest(project), { without: ofTheUser, environment }))
}

/** What failed stands first, by name and then with its reasons, which Vitest tells last: what tests and their programs print besides may be long. */
export function vitestResult({ exitCode, output }: ToolResult): StepResult {
  const counted = /^\s*Tests\s+(.+)$/m.exec(output)?.[1]?.replace(/\s+\(\d+\)$/, '')
  const failed = new Set([...output.matchAll(/^\s*(FAIL\s.+)$/gm)].map(([, line]) => line))
  const reasons = Math.max(0, output.search(/^⎯+ (Failed|Unhandled) /m))
  const report = failed.size === 0 ? output : [...failed, '', output.slice(reasons), output.slice(0, reasons)].join('\n')
  return { ok: exitCode === 0, output: report, ...(counted ? { note: counted } : {}) }
}

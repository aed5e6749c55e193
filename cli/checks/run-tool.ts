import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { processEnvironment } from '@slipway/config'
import { checkout } from '../home.ts'

export interface ToolResult {
  readonly exitCode: number
  readonly output: string
}

interface ToolOptions {
  environment?: Readonly<Record<string, string>>
  /** Names of inherited variables that the tool must not see. */
  without?: (name: string) => boolean
}

/** The environment of a tool: our own Node comes first, as the shebang of an npm tool takes the first one on PATH. */
function toolEnvironment({ environment = {}, without = () => false }: ToolOptions): Record<string, string | undefined> {
  const inherited = Object.fromEntries(Object.entries(processEnvironment()).filter(([name]) => !without(name)))
  const path = [dirname(process.execPath), join(checkout, 'node_modules', '.bin'), inherited['PATH'] ?? ''].join(delimiter)
  return { ...inherited, CI: 'true', NO_COLOR: '1', FORCE_COLOR: undefined, ...environment, PATH: path }
}

/** Runs a tool of the checkout and collects what it prints. */
export function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], { cwd: checkout, env: toolEnvironment(options), stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('error', (error) => resolve({ exitCode: 127, output: `${command} cannot be started: ${error.message}` }))
    child.once('close', (code) => resolve({ exitCode: code ?? 128, output: Buffer.concat(chunks).toString('utf8').trimEnd() }))
  })
}

import { isBuilt, siteBuilder } from '@slipway/console'
import { runTool } from '../checks/run-tool.ts'
import { Failure } from '../failure.ts'

/** Builds the console when its sources have changed since the last time, in a process of its own: a bundler takes much memory. */
export async function buildConsole(progress: (text: string) => void): Promise<void> {
  if (isBuilt()) return
  progress('building the console')
  const { exitCode, output } = await runTool(process.execPath, [siteBuilder])
  if (exitCode !== 0)
    throw new Failure(`the console could not be built: ${output.trim().slice(-2000)}`, { fix: 'correct its sources in services/console' })
}

import { processEnvironment } from '@slipway/config'
import { secondsOption, textOption, usageFailure } from '../arguments.ts'
import { finishRestore, prepareBackup, publishBackup, verifyRestore } from '../backup/steps.ts'
import { manifestLine } from '../backup/text.ts'
import type { Command, Invocation } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { environmentTarget } from '../target.ts'
import { publishedPostgres } from './backup.ts'
import { doneLines, kindOption } from './restore.ts'

/**
 * The parts of `backup postgres` and `restore` around the programs of Postgres, which are in another image: containers of one pod run them
 * one after the other, and hand over by files.
 */
export const backupStep: Command = {
  usage: 'backup-step prepare|publish|verify|finish --folder DIR [--dump FILE] [--from ID] [--only KIND] [--wait SECONDS]',
  options: {
    folder: { type: 'string' },
    dump: { type: 'string' },
    from: { type: 'string' },
    only: { type: 'string' },
    wait: { type: 'string' },
  },
  words: [1, 1],
  choices: ['prepare', 'publish', 'verify', 'finish'],
  async run(invocation) {
    const lines = await steps[invocation.words[0] as keyof typeof steps](invocation)
    for (const line of lines) console.log(line)
    return exitCodes.ok
  },
}

const steps = {
  async prepare(invocation: Invocation) {
    await prepareBackup(environmentTarget(processEnvironment()), required(invocation, 'folder'))
    return ['slipway_backup sees all rows.']
  },
  async publish(invocation: Invocation) {
    const files = { folder: required(invocation, 'folder'), dump: required(invocation, 'dump') }
    const { manifest, notes } = publishedPostgres(await publishBackup(environmentTarget(processEnvironment()), files))
    return [manifestLine(manifest), ...notes]
  },
  async verify(invocation: Invocation) {
    const files = { folder: required(invocation, 'folder'), dump: required(invocation, 'dump') }
    const choice = { from: required(invocation, 'from'), only: kindOption(invocation), waitSeconds: secondsOption(invocation, 'wait') ?? 0 }
    const { postgres, objects, missing } = await verifyRestore(environmentTarget(processEnvironment()), { ...files, ...choice })
    const chosen = [postgres, objects].flatMap((manifest) => (manifest ? [manifestLine(manifest)] : []))
    return [...chosen, `Both were read to the last byte; ${missing} objects are missing or different.`]
  },
  async finish(invocation: Invocation) {
    return doneLines(await finishRestore(environmentTarget(processEnvironment()), required(invocation, 'folder')))
  },
}

function required(invocation: Invocation, name: string): string {
  const value = textOption(invocation, name)
  if (!value) throw usageFailure(`--${name} is missing`, `usage: slipway ${backupStep.usage}`)
  return value
}

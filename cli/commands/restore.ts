import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type BackupKind, backupKinds, runScript } from '@slipway/backup'
import { processEnvironment } from '@slipway/config'
import { textOption, unknownWord, usageFailure } from '../arguments.ts'
import { postgresPrograms } from '../backup/programs.ts'
import { asAdmin, finishRestore, verifyRestore } from '../backup/steps.ts'
import { withStores } from '../backup/stores.ts'
import { manifestLine } from '../backup/text.ts'
import { unheard } from '../backup/word.ts'
import { type Command, homeOptionOnly, type Invocation } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import type { Target } from '../target.ts'

export const restore: Command = {
  usage: 'restore <id|latest> [--only postgres|objects] [--yes] [--home DIR] [--json]',
  options: { ...homeOptionOnly, only: { type: 'string' }, yes: { type: 'boolean', short: 'y' }, json: { type: 'boolean' } },
  words: [1, 1],
  async run(invocation) {
    const choice = { from: invocation.words[0] ?? '', only: kindOption(invocation) }
    if (invocation.values['yes'] !== true && !(await confirmed(choice.from))) {
      console.log('Nothing was touched.')
      return exitCodes.failed
    }
    const home = homeAt(textOption(invocation, 'home'))
    const done = await withStores(home, processEnvironment(), (target) => restoreInto(target, choice))
    console.log(invocation.values['json'] === true ? JSON.stringify(done, null, 2) : render(done))
    return exitCodes.ok
  },
}

export function kindOption(invocation: Invocation): BackupKind | undefined {
  const only = textOption(invocation, 'only')
  const kind = backupKinds.find((kind) => kind === only)
  if (only && !kind) throw unknownWord('kind of backup', only, backupKinds)
  return kind
}

async function confirmed(from: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw usageFailure('restore replaces what is there and nobody can be asked here', 'add --yes')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test(await terminal.question(`Replace the database and missing objects by backup ${from}? [y/N] `))
  } finally {
    terminal.close()
  }
}

async function restoreInto(target: Target, choice: { from: string; only: BackupKind | undefined }) {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-restore-'))
  try {
    const dump = join(folder, 'dump')
    const verified = await verifyRestore(target, { ...choice, folder, dump, waitSeconds: 0 })
    if (verified.postgres) await runScript({ script: 'restore.sh', folder, dump, programs: await postgresPrograms(asAdmin(target)) })
    return { ...verified, ...(await finishRestore(target, folder)) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Done = Awaited<ReturnType<typeof restoreInto>>

function render({ postgres, objects, migrated, written, forgotten, noted }: Done): string {
  return [
    ...(postgres ? [manifestLine(postgres)] : []),
    ...(objects ? [manifestLine(objects)] : []),
    ...doneLines({ migrated, written, forgotten, noted }),
  ].join('\n')
}

export function doneLines({ migrated, written, forgotten, noted }: Awaited<ReturnType<typeof finishRestore>>): string[] {
  return [
    ...migrated.map((id) => `  applied ${id}`),
    `  brought ${written} objects back; all others were there`,
    `  made Redis forget ${forgotten} keys; workers make jobs and schedules anew from Postgres`,
    ...(noted ? [] : [`  ${unheard}`]),
  ]
}

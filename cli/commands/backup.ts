import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BackupKind, backupKinds, type Manifest, runScript } from '@slipway/backup'
import { processEnvironment } from '@slipway/config'
import { textOption } from '../arguments.ts'
import { postgresPrograms } from '../backup/programs.ts'
import { asBackup, backUpAllObjects, prepareBackup, publishBackup } from '../backup/steps.ts'
import { manifestLine } from '../backup/text.ts'
import { unheard } from '../backup/word.ts'
import { type Command, homeOptionOnly } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { findTarget, type Target } from '../target.ts'

export const backupCommand: Command = {
  usage: 'backup [postgres|objects] [--home DIR] [--json]',
  options: { ...homeOptionOnly, json: { type: 'boolean' } },
  words: [0, 1],
  choices: backupKinds,
  async run(invocation) {
    const target = findTarget(homeAt(textOption(invocation, 'home')), processEnvironment())
    const only = invocation.words[0] as BackupKind | undefined
    // The dump first: what its rows name is then among the objects, unless it is removed in between.
    const made: Made[] = []
    if (only !== 'objects') made.push(await backUpPostgres(target))
    if (only !== 'postgres') made.push(await backUpObjects(target))
    console.log(invocation.values['json'] === true ? JSON.stringify({ backups: made }, null, 2) : made.map(render).join('\n'))
    return exitCodes.ok
  },
}

interface Made {
  readonly manifest: Manifest
  readonly notes: readonly string[]
}

function render({ manifest, notes }: Made): string {
  return [manifestLine(manifest), ...notes.map((note) => `  ${note}`)].join('\n')
}

async function backUpPostgres(target: Target): Promise<Made> {
  const programs = await postgresPrograms(asBackup(target))
  const folder = await mkdtemp(join(tmpdir(), 'slipway-backup-'))
  try {
    const dump = join(folder, 'dump')
    await prepareBackup(target, folder)
    await runScript({ script: 'dump.sh', folder, dump, programs })
    return publishedPostgres(await publishBackup(target, { folder, dump }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function publishedPostgres({ manifest, expired, noted }: Awaited<ReturnType<typeof publishBackup>>): Made {
  return { manifest, notes: [...expired.map((id) => `removed ${id}`), ...(noted ? [] : [unheard])] }
}

async function backUpObjects(target: Target): Promise<Made> {
  const { manifest, copied, vanished, removed, expired, noted } = await backUpAllObjects(target)
  const notes = [`copied ${copied}, had ${manifest.objects - copied} already`, ...expired.map((id) => `removed ${id}`)]
  if (removed > 0) notes.push(`removed ${removed} copies that no backup names any more`)
  if (vanished > 0) notes.push(`${vanished} were removed meanwhile`)
  if (manifest.damaged > 0) notes.push(`DAMAGED: ${manifest.damaged} have other bytes than those that were scanned; kept as they are`)
  if (!noted) notes.push(unheard)
  return { manifest, notes }
}

import { type BackupKind, type Catalog, isOverdue, openVault, readCatalog, timeOf } from '@slipway/backup'
import { bytesText } from '../backup/text.ts'
import type { Target } from '../target.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'

/** Age and size of the newest backup of each kind that is to be made by the clock. */
export function backupChecks(target: Target): Check[] {
  const { schedules } = target.backups
  const kinds = [
    ['postgres', schedules.postgres],
    ['objects', schedules.objects],
  ] as const
  return kinds.flatMap(([kind, schedule]) =>
    schedule ? [{ name: `backup ${kind}`, part: 'storage' as const, run: () => look(target, { kind, schedule }) }] : [],
  )
}

interface Scheduled {
  readonly kind: BackupKind
  readonly schedule: string
}

async function look({ backups }: Target, scheduled: Scheduled): Promise<Outcome> {
  await using vault = openVault(backups.vault)
  if (!(await vault.exists())) return fault('backup.late', `there is no bucket ${vault.bucket} yet`, { fix: fixOf(scheduled) })
  return judge(await readCatalog(vault), scheduled, Date.now())
}

function fixOf({ kind }: Scheduled): string {
  return `see the Jobs of the CronJob for ${kind}, or run \`slipway backup ${kind}\``
}

export function judge({ backups, unreadable }: Catalog, scheduled: Scheduled, now: number): Outcome {
  const { kind, schedule } = scheduled
  const newest = backups.find((backup) => backup.kind === kind)
  const fix = fixOf(scheduled)
  if (!newest) return fault('backup.late', 'there is none yet', { fix })
  const last = timeOf(newest.id)
  const what = `${newest.id}, ${hoursText(now - last)} old, ${bytesText(newest.bytes)}`
  if (isOverdue({ schedule, last, now })) return fault('backup.late', `${what}: two runs of "${schedule}" have passed since`, { fix })
  const damaged = unreadable.filter((one) => one.kind === kind)
  if (damaged.length > 0) {
    const fix = 'find out what has changed it, and remove it'
    return fault('backup.damaged', `${what}; ${damaged.map(({ reason }) => reason).join(', ')}`, { fix })
  }
  if (newest.kind === 'objects' && newest.damaged > 0) {
    const found = `${what}; ${newest.damaged} objects had other bytes than those that were scanned`
    return fault('backup.damaged', found, {
      fix: 'see what happens to the disks of the object storage; an older backup may have them whole',
    })
  }
  return well(what)
}

function hoursText(milliseconds: number): string {
  const hours = milliseconds / 3_600_000
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${(hours / 24).toFixed(1)} days`
}

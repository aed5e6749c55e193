import { processEnvironment } from '@slipway/config'
import type { AnyManifest } from '@slipway/service'
import { secondsOption, textOption } from '../arguments.ts'
import { type Command, homeOptionOnly } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { installedServices } from '../services.ts'
import { databaseSilence, ensureAllBuckets, migrateAll, storesAnswer } from '../stack/schema.ts'
import { findTarget, type Target } from '../target.ts'

export const migrateCommand: Command = {
  usage: 'migrate [--home DIR] [--wait SECONDS] [--early]',
  options: { ...homeOptionOnly, wait: { type: 'string' }, early: { type: 'boolean' } },
  async run(invocation) {
    const services = installedServices(processEnvironment())
    const target = findTarget(homeAt(textOption(invocation, 'home')), processEnvironment())
    if (invocation.values['early'] === true) return migrateEarly(services, target)
    const wait = secondsOption(invocation, 'wait')
    const told = (reason: string) => console.log(`Waiting for the stores: ${reason}`)
    const early = wait === undefined ? [] : await storesAnswer(services, target, { seconds: wait, told })
    console.log(`Migrating ${target.name}`)
    const { applied, milliseconds } = await migrateAll(services, target)
    for (const id of applied) console.log(`  applied ${id}`)
    const made = [...early, ...(await ensureAllBuckets(services, target))]
    for (const bucket of made) console.log(`  made bucket ${bucket}`)
    console.log(applied.length + made.length === 0 ? 'Everything was there already.' : `Done after ${(milliseconds / 1000).toFixed(1)} s.`)
    return exitCodes.ok
  },
}

/**
 * Before an upgrade: only the schema, which what runs still fits. A database that does not answer may come with the upgrade; the
 * migration in it then finds all that is to do.
 */
async function migrateEarly(services: readonly AnyManifest[], target: Target): Promise<number> {
  const silence = await databaseSilence(target)
  if (silence !== null) {
    console.log(`The database does not answer, so this is left to the migration that follows: ${silence}`)
    return exitCodes.ok
  }
  const { applied } = await migrateAll(services, target)
  for (const id of applied) console.log(`  applied ${id}`)
  return exitCodes.ok
}

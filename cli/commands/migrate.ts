import { processEnvironment } from '@slipway/config'
import { secondsOption, textOption } from '../arguments.ts'
import { type Command, homeOptionOnly } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { installedServices } from '../services.ts'
import { ensureAllBuckets, migrateAll, storesAnswer } from '../stack/schema.ts'
import { findTarget } from '../target.ts'

export const migrateCommand: Command = {
  usage: 'migrate [--home DIR] [--wait SECONDS]',
  options: { ...homeOptionOnly, wait: { type: 'string' } },
  async run(invocation) {
    const services = installedServices(processEnvironment())
    const target = findTarget(homeAt(textOption(invocation, 'home')), processEnvironment())
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

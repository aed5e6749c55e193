import { readCatalog } from '@slipway/backup'
import { processEnvironment } from '@slipway/config'
import { textOption } from '../arguments.ts'
import { vaultOf } from '../backup/steps.ts'
import { manifestLine } from '../backup/text.ts'
import { type Command, homeOptionOnly } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { findTarget } from '../target.ts'

export const backups: Command = {
  usage: 'backups [--home DIR] [--json]',
  options: { ...homeOptionOnly, json: { type: 'boolean' } },
  async run(invocation) {
    await using vault = await vaultOf(findTarget(homeAt(textOption(invocation, 'home')), processEnvironment()))
    const catalog = await readCatalog(vault)
    if (invocation.values['json'] === true) console.log(JSON.stringify(catalog, null, 2))
    else {
      const lines = [...catalog.backups.map(manifestLine), ...catalog.unreadable.map(({ reason }) => `UNREADABLE: ${reason}`)]
      console.log(lines.length === 0 ? `There is no backup in ${vault.bucket}.` : lines.join('\n'))
    }
    return exitCodes.ok
  },
}

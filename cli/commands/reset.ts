import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { removeHome } from '@slipway/stack'
import { textOption, usageFailure } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { type Home, homeAt, refuseForeignFolder } from '../home.ts'
import { stopStack } from '../stack/stop.ts'

export const reset: Command = {
  usage: 'reset [--home DIR] [--yes]',
  options: { home: { type: 'string' }, yes: { type: 'boolean', short: 'y' } },
  async run(invocation) {
    const home = homeAt(textOption(invocation, 'home'))
    if (!existsSync(home.folder)) {
      console.log(`There is nothing in ${home.folder}.`)
      return exitCodes.ok
    }
    refuseForeignFolder(home)
    if (invocation.values['yes'] !== true && !(await confirmed(home))) {
      console.log('Nothing was deleted.')
      return exitCodes.failed
    }
    console.log(await stopStack(home))
    await removeHome(home.folder)
    console.log(`Deleted ${home.folder}.`)
    return exitCodes.ok
  },
}

async function confirmed(home: Home): Promise<boolean> {
  if (!process.stdin.isTTY) throw usageFailure(`reset deletes all data in ${home.folder} and nobody can be asked here`, 'add --yes')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test(await terminal.question(`Delete all data in ${home.folder}? [y/N] `))
  } finally {
    terminal.close()
  }
}

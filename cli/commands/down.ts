import { textOption } from '../arguments.ts'
import { type Command, homeOptionOnly } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { stopStack } from '../stack/stop.ts'

export const down: Command = {
  usage: 'down [--home DIR]',
  options: homeOptionOnly,
  async run(invocation) {
    console.log(await stopStack(homeAt(textOption(invocation, 'home'))))
    return exitCodes.ok
  },
}

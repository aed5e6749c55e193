import type { Command } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { writeGenerated } from '../generated.ts'

export const generate: Command = {
  usage: 'generate',
  options: {},
  async run() {
    const written = await writeGenerated()
    console.log(written.length === 0 ? 'Everything is up to date.' : `Written: ${written.join(', ')}`)
    return exitCodes.ok
  },
}

import { randomBytes } from 'node:crypto'
import { processEnvironment } from '@slipway/config'
import { textOption, usageFailure } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { devEnvText } from '../stack/dev-env.ts'
import { makeDemo } from '../stack/seed.ts'

/** What `up` makes on its stack, for an installation that catches its mails. */
export const demo: Command = {
  usage: 'demo --url URL',
  options: { url: { type: 'string' } },
  async run(invocation) {
    const url = textOption(invocation, 'url')
    if (url === undefined || !URL.canParse(url)) throw usageFailure('there is no --url, or it is none', 'usage: slipway demo --url URL')
    const password = processEnvironment()['SLIPWAY_PASSWORD'] || randomBytes(24).toString('base64url')
    process.stdout.write(devEnvText(await makeDemo(new URL(url).origin, password)))
    return exitCodes.ok
  },
}

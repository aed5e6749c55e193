import { once } from 'node:events'
import { startMailCatcher } from '@slipway/stack'
import { portOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../failure.ts'

/** For installations of development and test in containers; `slipway up` has one inside. */
export const mail: Command = {
  usage: 'mail [--port N] [--smtp-port N]',
  options: { port: { type: 'string' }, 'smtp-port': { type: 'string' } },
  async run(invocation) {
    const httpPort = portOption(invocation, 8025)
    const smtpPort = portOption(invocation, 1025, 'smtp-port')
    await using catcher = await startMailCatcher({ httpPort, smtpPort, host: '0.0.0.0' })
    console.log(`Mails to port ${catcher.smtpPort} are delivered nowhere; read them at port ${catcher.httpPort}, path /dev/mail.`)
    await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
    return exitCodes.ok
  },
}

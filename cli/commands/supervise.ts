import { portOption, textOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes, toFailure } from '../failure.ts'
import { defaultPort, type Home, homeAt, makeHome } from '../home.ts'
import { bringUp } from '../stack/bring-up.ts'
import { acquireLock } from '../supervisor/lock.ts'
import { isClientMessage, type SupervisorMessage } from '../supervisor/messages.ts'
import { within } from '../supervisor/poll.ts'
import { cleanUpAfter } from '../supervisor/recovery.ts'
import { StateRecord } from '../supervisor/state.ts'
import { Supervisor } from '../supervisor/supervisor.ts'

/** Holds one stack until it is told to stop. Started by `up` in a session of its own, with a channel to tell how it goes. */
export const supervise: Command = {
  usage: 'supervise [--port N] [--home DIR] [--detach]',
  options: { port: { type: 'string' }, home: { type: 'string' }, detach: { type: 'boolean' } },
  async run(invocation) {
    const home = homeAt(textOption(invocation, 'home'))
    makeHome(home)
    try {
      using _lock = acquireLock(home.lock)
      return await hold({ home, port: portOption(invocation, defaultPort), detach: invocation.values['detach'] === true })
    } catch (error) {
      const { message, fix, exitCode } = toFailure(error)
      console.error(error)
      tell({ kind: 'failed', message, fix, exitCode })
      return exitCode
    }
  },
}

interface HoldOptions {
  home: Home
  port: number
  detach: boolean
}

async function hold({ home, port, detach }: HoldOptions): Promise<number> {
  const orphans = await cleanUpAfter(home.state)
  if (orphans.length > 0) progress(`ended what a killed stack left behind: ${orphans.join(', ')}`)
  const url = `http://localhost:${port}`
  const record = new StateRecord({ file: home.state, url, port, log })
  const supervisor = new Supervisor(record, log)
  let ready = false
  const stop = stopRequests(supervisor, () => detach && ready)
  try {
    await Promise.race([bringUp({ home, port, url, supervisor, progress, log }), stop.asked.then(() => Promise.reject(new StopAsked()))])
    ready = true
    record.phase('ready')
    tell({ kind: 'ready' })
    await stop.asked
    return exitCodes.ok
  } catch (error) {
    if (error instanceof StopAsked) return exitCodes.interrupted
    if (supervisor.hasUnits) progress('stopping what was started')
    throw error
  } finally {
    await Promise.race([supervisor.stop(), stop.forced])
    record.remove()
  }
}

class StopAsked extends Error {}

interface StopRequests {
  readonly asked: Promise<void>
  /** Settles when somebody did not want to wait any longer and has waited long enough for that. */
  readonly forced: Promise<void>
}

/** Milliseconds in which killed processes and stores end; a store that is still starting then ends with its supervisor. */
const forcedPatience = 8000

/** Whoever asks first for a stop gets an orderly one; whoever asks again gets it at once. */
function stopRequests(supervisor: Supervisor, mayBeLeftAlone: () => boolean): StopRequests {
  const asked = Promise.withResolvers<void>()
  const forced = Promise.withResolvers<void>()
  let count = 0
  const request = () => {
    count++
    if (count === 1) return asked.resolve()
    log('asked again: forcing the end')
    return forced.resolve(within(forcedPatience, supervisor.force()).then(() => undefined))
  }
  // Dying on the spot would leave every process of the stack behind.
  process.on('uncaughtException', (error) => {
    log(`a failure that nobody handled: ${error.stack}`)
    if (count === 0) request()
  })
  process.on('SIGTERM', request)
  process.on('SIGINT', request)
  process.on('SIGHUP', () => undefined)
  process.on('message', (message) => isClientMessage(message) && request())
  const left = () => {
    if (!mayBeLeftAlone() && count === 0) request()
  }
  process.on('disconnect', left)
  // The command may have died before we listened, as while we ended what a killed stack had left: then the event is past.
  if (process.send && !process.connected) left()
  return { asked: asked.promise, forced: forced.promise }
}

function tell(message: SupervisorMessage): void {
  // The command that started us may be gone: then there is nobody to tell, and the log has it.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

function progress(text: string): void {
  log(text)
  tell({ kind: 'progress', text })
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { processEnvironment } from '@slipway/config'
import { exitCodes, Failure } from '../failure.ts'
import { checkout, type Home, logFile, makeHome } from '../home.ts'
import { logTail, openLog } from './child.ts'
import { lockHolder } from './lock.ts'
import type { ClientMessage, SupervisorMessage } from './messages.ts'
import { cleanUpAfter } from './recovery.ts'

interface StartOptions {
  home: Home
  port: number
  detach: boolean
  onProgress: (text: string) => void
}

/** Stands for the exit code of a supervisor that a signal has ended. */
const killed = 128

/** A supervisor that was started and has become ready. */
export interface StartedSupervisor {
  /** Lets it live on when this command ends. */
  release(): void
  /** Stays with it until it has ended, and passes on what the person at the terminal wants. Gives its exit code. */
  attend(onStopping: (forced: boolean) => void): Promise<number>
}

/**
 * Starts a supervisor and waits until its stack is ready.
 * @throws {Failure} of the supervisor, when the stack does not come up; everything is stopped then
 */
export async function startSupervisor(options: StartOptions): Promise<StartedSupervisor> {
  makeHome(options.home)
  const child = spawnSupervisor(options)
  const ended = new Promise<number>((resolve) => child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : killed))))
  const interrupts = interruptions(child)
  const outcome = await Promise.race([untilReady(child, options.onProgress), ended.then((code) => ({ kind: 'ended' as const, code }))])
  if (outcome.kind === 'ready') {
    return {
      release() {
        interrupts.stop()
        child.disconnect()
        child.unref()
      },
      async attend(onStopping) {
        interrupts.onRequest = onStopping
        const code = await ended
        if (code === killed) throw await endedFailure(options.home, code)
        return code
      },
    }
  }
  await ended
  interrupts.stop()
  if (outcome.kind === 'failed') {
    const { message, fix, exitCode } = outcome
    throw new Failure(message, { exitCode, ...(fix === undefined ? {} : { fix }) })
  }
  throw await endedFailure(options.home, outcome.code)
}

function spawnSupervisor({ home, port, detach }: StartOptions): ChildProcess {
  const log = openLog(logFile(home, 'supervisor'))
  const args = [
    join(checkout, 'cli', 'main.ts'),
    'supervise',
    '--home',
    home.folder,
    '--port',
    String(port),
    ...(detach ? ['--detach'] : []),
  ]
  try {
    return spawn(process.execPath, args, {
      cwd: checkout,
      env: { ...processEnvironment(), SLIPWAY_HOME: home.folder },
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    })
  } finally {
    closeSync(log)
  }
}

type Outcome = Exclude<SupervisorMessage, { kind: 'progress' }>

function untilReady(child: ChildProcess, onProgress: (text: string) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    child.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'progress') onProgress(message.text)
      else resolve(message)
    })
  })
}

interface Interruptions {
  onRequest: (forced: boolean) => void
  stop(): void
}

/** Ctrl-C asks for an orderly stop, a second one for the end at once. */
function interruptions(child: ChildProcess): Interruptions {
  let count = 0
  const self: Interruptions = {
    onRequest: () => undefined,
    stop() {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, request)
    },
  }
  function request(): void {
    count++
    const message: ClientMessage = { kind: count === 1 ? 'stop' : 'force' }
    if (child.connected) child.send(message)
    self.onRequest(count > 1)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request)
  return self
}

/** It ended without a word: interrupted by the person, or killed. */
async function endedFailure(home: Home, code: number): Promise<Failure> {
  if (code === exitCodes.interrupted) return new Failure('interrupted; everything that was started is stopped', { exitCode: code })
  const log = logFile(home, 'supervisor')
  const tail = logTail(log)
  // Another one may have taken over already: what is recorded is its own then.
  if (!lockHolder(home.lock)) await cleanUpAfter(home.state)
  return new Failure(`the supervisor ended unexpectedly${tail}`, { fix: `read ${log}` })
}

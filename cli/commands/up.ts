import { ensureBinaries } from '@slipway/stack'
import { portOption, textOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes, Failure } from '../failure.ts'
import { defaultPort, type Home, homeAt, homeOption, makeHome } from '../home.ts'
import { renderSummary } from '../stack/summary.ts'
import { startSupervisor } from '../supervisor/client.ts'
import { liveState, type StackState } from '../supervisor/state.ts'

export const up: Command = {
  usage: `up [--port N] [--home DIR] [--detach]    (port ${defaultPort}, home .slipway in the checkout)`,
  options: { port: { type: 'string' }, home: { type: 'string' }, detach: { type: 'boolean', short: 'd' } },
  async run(invocation) {
    const home = homeAt(textOption(invocation, 'home'))
    const running = liveState(home.state)
    if (running) return tellRunning(home, running, textOption(invocation, 'port'))
    return start({ home, port: portOption(invocation, defaultPort), detach: invocation.values['detach'] === true })
  },
}

function tellRunning(home: Home, state: StackState, port: string | undefined): number {
  if (state.phase !== 'ready') {
    const doing = state.phase === 'starting' ? 'is still starting' : 'is just stopping'
    throw new Failure(`the stack in ${home.folder} ${doing} (process ${state.supervisor.pid})`, {
      fix: `wait, look at it with \`slipway status${homeOption(home)}\`, and try again`,
    })
  }
  if (port !== undefined && port !== String(state.port)) {
    throw new Failure(`this stack runs already, on port ${state.port}`, {
      fix: `stop it first with \`slipway down${homeOption(home)}\`, or start a second one with another --home`,
    })
  }
  console.log(`Slipway runs already: ${state.url}\n\n${renderSummary(home, state)}`)
  return exitCodes.ok
}

interface StartOptions {
  home: Home
  port: number
  detach: boolean
}

async function start({ home, port, detach }: StartOptions): Promise<number> {
  makeHome(home)
  const began = performance.now()
  const onProgress = (text: string) => console.log(`  ${text}`)
  console.log(`Slipway starts on port ${port}, data in ${home.folder}`)
  await ensureBinaries({ log: onProgress })
  const supervisor = await startSupervisor({ home, port, detach, onProgress })
  const state = liveState(home.state)
  console.log(`\nReady after ${((performance.now() - began) / 1000).toFixed(1)} s.\n\n${state ? renderSummary(home, state) : ''}`)
  if (detach) {
    supervisor.release()
    return exitCodes.ok
  }
  console.log('\nCtrl-C stops everything; data stays.')
  return supervisor.attend((forced) => console.log(forced ? '  ending at once' : '\n  stopping in order; Ctrl-C again ends at once'))
}

import { textOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { isAlive } from '../supervisor/identity.ts'
import { readState, type StackState } from '../supervisor/state.ts'
import { duration, table } from '../text.ts'

export const status: Command = {
  usage: 'status [--home DIR] [--json]',
  options: { home: { type: 'string' }, json: { type: 'boolean' } },
  async run(invocation) {
    const state = readState(homeAt(textOption(invocation, 'home')).state)
    const view = state ? viewOf(state) : null
    if (invocation.values['json'] === true)
      console.log(JSON.stringify(view ?? { running: false, phase: 'stopped', processes: [] }, null, 2))
    else console.log(view ? render(view) : 'Nothing is running. `slipway up` starts it.')
    if (!view?.running) return exitCodes.notRunning
    return view.processes.every((process) => process.state === 'ready') ? exitCodes.ok : exitCodes.failed
  },
}

export type StatusView = ReturnType<typeof viewOf>

/** What people and programs get to see; the file's own form may change. */
export function viewOf(state: StackState, now: number = Date.now()) {
  const running = isAlive(state.supervisor)
  return {
    running,
    phase: running ? state.phase : ('killed' as const),
    url: state.url,
    supervisor: state.supervisor.pid,
    processes: state.units.map(({ name, kind, port, restarts, lastFailure, identity, ...unit }) => ({
      name,
      kind,
      state: running ? unit.state : identity && isAlive(identity) ? 'orphaned' : 'gone',
      pid: identity?.pid ?? null,
      port: port ?? null,
      seconds: Math.max(0, Math.round((now - Date.parse(unit.since)) / 1000)),
      restarts,
      lastFailure: lastFailure ?? null,
    })),
  }
}

export function render(view: StatusView): string {
  const rows = view.processes.map((process) => [
    process.name,
    process.state,
    process.pid === null ? '-' : String(process.pid),
    process.port === null ? '-' : String(process.port),
    duration(process.seconds),
    String(process.restarts),
    process.lastFailure?.split('\n', 1)[0] ?? '',
  ])
  const head = view.running
    ? `${view.phase}: ${view.url}`
    : 'The supervisor was killed. `slipway up` or `slipway down` ends what it left behind.'
  return [head, '', table(['process', 'state', 'pid', 'port', 'for', 'restarts', 'last failure'], rows)].join('\n')
}

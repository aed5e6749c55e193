import { type Home, homeOption } from '../home.ts'
import { readConnections } from '../stack/connections.ts'
import { askReadiness } from '../supervisor/child.ts'
import type { StackState } from '../supervisor/state.ts'
import { type Check, fault, well } from './checks.ts'

/** Every process of the stack, asked as an orchestrator would. */
export function processChecks(home: Home, state: StackState): Check[] {
  const ports = readConnections(home)?.processes ?? {}
  return state.units
    .filter((unit) => unit.kind === 'api' || unit.kind === 'worker')
    .map((unit) => ({
      name: unit.name,
      async run() {
        const answer = await askReadiness(`http://127.0.0.1:${ports[unit.name]?.internal}/health/ready`)
        if (answer === 'ready') return well(`ready, process ${unit.pid}`)
        return fault('process.unready', `not ready: ${answer}`, { fix: `read \`slipway logs${homeOption(home)} ${unit.name}\`` })
      },
    }))
}

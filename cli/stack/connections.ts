import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessPorts, Stores } from '../environment.ts'
import type { Home } from '../home.ts'

/** How the other commands reach the parts of a stack that runs. Holds passwords, so only its owner may read it. */
export interface Connections {
  readonly stores: Stores
  /** Ports by process name (`files-api`). */
  readonly processes: Readonly<Record<string, ProcessPorts>>
  /** Which virus signatures clamd had when the stack became ready. */
  readonly signatures: 'test' | 'real'
}

function fileOf(home: Home): string {
  return join(home.run, 'connections.json')
}

export function writeConnections(home: Home, connections: Connections): void {
  writeFileSync(fileOf(home), `${JSON.stringify(connections, null, 2)}\n`, { mode: 0o600 })
}

/** Undefined when no stack was ever ready here. */
export function readConnections(home: Home): Connections | undefined {
  const file = fileOf(home)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Connections) : undefined
}

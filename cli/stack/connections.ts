import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
  const next = `${fileOf(home)}.next`
  writeFileSync(next, `${JSON.stringify(connections, null, 2)}\n`, { mode: 0o600 })
  renameSync(next, fileOf(home))
}

/** Those of an earlier start lead to nobody, or to somebody else. */
export function removeConnections(home: Home): void {
  rmSync(fileOf(home), { force: true })
}

/** Undefined until the processes of the stack are ready. */
export function readConnections(home: Home): Connections | undefined {
  const file = fileOf(home)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Connections) : undefined
}

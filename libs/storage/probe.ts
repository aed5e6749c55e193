import type { Connection } from './connection.ts'

export interface ProbeCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail?: string
}

export interface ProbeReport {
  readonly ok: boolean
  readonly checks: readonly ProbeCheck[]
}

export async function probe(_connection: Connection, _bucket: string): Promise<ProbeReport> {
  return { ok: true, checks: [] }
}

import { fault, type Outcome, well } from './checks.ts'
import type { FaultId } from './faults.ts'

const seconds = 1000
/** Nobody's clock is exact; tokens are believed some seconds before their time. */
const notable = 5 * seconds
const harmful = 30 * seconds

interface Reading {
  /** Milliseconds since the epoch, as the other side has them. */
  readonly read: () => Promise<number>
  /** Of what it tells, in milliseconds. */
  readonly resolution?: number
}

/** The clock of a part beside that of this process. How long the answer took is in nobody's favour. */
export async function compareClocks(id: FaultId, { read, resolution = 0 }: Reading): Promise<Outcome> {
  const before = Date.now()
  const theirs = await read()
  const after = Date.now()
  const difference = theirs + resolution / 2 - (before + after) / 2
  const certain = Math.abs(difference) - (after - before + resolution) / 2
  if (certain < notable) return well('the same time as here')
  const what = `${(Math.abs(difference) / seconds).toFixed(0)} s ${difference > 0 ? 'ahead of' : 'behind'} the clock here`
  return fault(id, what, certain < harmful ? { level: 'warn' } : {})
}

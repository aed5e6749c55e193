import { clamdFaults } from './faults/clamd.ts'
import { clientFaults } from './faults/clients.ts'
import { clockFaults } from './faults/clock.ts'
import type { Fault } from './faults/fault.ts'
import { postgresFaults } from './faults/postgres.ts'
import { processFaults } from './faults/processes.ts'
import { redisFaults } from './faults/redis.ts'
import { rescanFaults } from './faults/rescans.ts'
import { storageFaults } from './faults/storage.ts'

/** Everything that may happen, in the order in which it does: what a kill leaves behind is to come to its end while the rest goes on. */
export const faults: readonly Fault[] = [
  ...processFaults,
  // What is to be looked at again is so while clamd is broken, too.
  ...rescanFaults,
  ...clamdFaults,
  ...redisFaults,
  ...postgresFaults,
  ...storageFaults,
  ...clientFaults,
  ...clockFaults,
]

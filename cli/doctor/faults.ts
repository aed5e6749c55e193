import { configurationFaults, machineFaults } from './faults/machine.ts'
import { postgresFaults } from './faults/postgres.ts'
import { redisFaults } from './faults/redis.ts'
import { clamdFaults } from './faults/scanner.ts'
import { storageFaults } from './faults/storage.ts'
import { surroundingsFaults } from './faults/surroundings.ts'

/** Everything that the doctor knows by name. The table of docs/operate/doctor.md is made of it. */
export const faults = {
  ...configurationFaults,
  ...postgresFaults,
  ...redisFaults,
  ...storageFaults,
  ...clamdFaults,
  ...surroundingsFaults,
  ...machineFaults,
} as const

export type FaultId = keyof typeof faults

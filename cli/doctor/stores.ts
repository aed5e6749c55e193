import type { Check } from './checks.ts'
import type { Subject } from './facts.ts'
import { postgresChecks } from './postgres.ts'
import { redisChecks } from './redis.ts'
import { scannerChecks } from './scanner.ts'
import { storageChecks } from './storage.ts'

/** Whether the stores answer, and are set up as the platform needs them. */
export function storeChecks(subject: Subject): Check[] {
  return [...postgresChecks(subject), ...redisChecks(subject), ...storageChecks(subject), ...scannerChecks(subject)]
}

import type { Row } from './measure.ts'
import { download } from './rows/download.ts'
import { gateRate } from './rows/gate-rate.ts'
import { http } from './rows/http.ts'
import { memory } from './rows/memory.ts'
import { queueEnvelope } from './rows/queue-envelope.ts'
import { queuePickUp } from './rows/queue-pick-up.ts'
import { tenantTransactions } from './rows/tenants.ts'
import { tracing } from './rows/tracing.ts'
import { verdict } from './rows/verdict.ts'

/** In the order of the table. */
export const rows: readonly Row[] = [queueEnvelope, queuePickUp, http, verdict, gateRate, memory, tenantTransactions, tracing, download]

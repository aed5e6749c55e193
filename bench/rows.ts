import type { Row } from './measure.ts'
import { http } from './rows/http.ts'
import { queueEnvelope } from './rows/queue-envelope.ts'
import { queuePickUp } from './rows/queue-pick-up.ts'

/** In the order of the table. */
export const rows: readonly Row[] = [queueEnvelope, queuePickUp, http]

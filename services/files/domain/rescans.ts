import { createNotices, type Notices } from '@slipway/auth'
import { problem } from '@slipway/problem'
import type { Scanner } from '@slipway/scanner'
import type { Runtime } from '@slipway/service'
import { rescanMetrics } from '@slipway/telemetry'
import { createPacer, type Pacer } from './pacer.ts'
import type { RescanOutcome } from './rescan.ts'

/** What rescans need beside the stores. */
export interface Rescans {
  /** Which signatures clamd has now. */
  readonly version: Scanner['version']
  readonly pacer: Pacer
  readonly notices: Notices
  count(outcome: RescanOutcome): void
}

/** `share`: percent of one place at the scanner. */
export function createRescans({ scanner, platform }: Pick<Runtime<unknown>, 'scanner' | 'platform'>, share: number): Rescans {
  const count = rescanMetrics()
  return {
    version: () => scanner.version(),
    pacer: createPacer(share),
    notices: noticesOf(platform.auth),
    count: (outcome) => count?.(outcome),
  }
}

function noticesOf({ identityUrl, serviceCredential }: Runtime<unknown>['platform']['auth']): Notices {
  if (identityUrl && serviceCredential) return createNotices({ url: identityUrl.href, credential: serviceCredential.reveal() })
  return { send: () => Promise.reject(problem('identity.unavailable', { detail: 'SLIPWAY_IDENTITY_URL is not set' })) }
}

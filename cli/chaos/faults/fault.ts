import type { Client } from '../insist.ts'
import type { World } from '../world.ts'

/** What a fault may use, and where it tells of itself. */
export interface Chaos {
  readonly world: World
  readonly client: Client
  /** For the line of the fault. */
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

export interface Fault {
  readonly name: string
  /** How long it lasts; 0 = as long as `begin` takes. */
  readonly seconds: number
  /** Part of the short list. */
  readonly short?: boolean
  /** Requests whose connections it may break. Those of a killed API always may. */
  readonly breaks?: (method: string) => boolean
  /** Requests have to be answered while it lasts, if more slowly. */
  readonly goesOn?: boolean
  /** Until a 503, where what it does takes longer to notice than waiting times say. */
  readonly longest503Milliseconds?: number
  /** @returns what ends it, and resolves when everything is there again that was taken away; null = this machine cannot do it */
  readonly begin: (chaos: Chaos) => Promise<(() => Promise<void>) | null>
}

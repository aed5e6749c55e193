import { stopOrder } from './recovery.ts'
import type { StateRecord } from './state.ts'
import { Supervised, type Unit } from './unit.ts'

/** Everything of one stack that is alive. */
export class Supervisor {
  readonly #record: StateRecord
  readonly #log: (line: string) => void
  readonly #units: Supervised[] = []
  #stopping: Promise<void> | undefined

  constructor(record: StateRecord, log: (line: string) => void) {
    this.#record = record
    this.#log = log
  }

  get hasUnits(): boolean {
    return this.#units.length > 0
  }

  /** Starts units side by side. The first failure rejects at once; what runs is then the caller's to `stop`. */
  async start(units: readonly Unit[]): Promise<void> {
    await Promise.all(
      units.map(async (unit) => {
        if (this.#stopping) throw new Error(`${unit.name} is not started: the stack stops`)
        const supervised = new Supervised(unit, { onChange: (status) => this.#changed(status) })
        this.#units.push(supervised)
        await supervised.start()
      }),
    )
  }

  /** Users before what they use: edge, APIs, workers, stores; each group side by side. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stopInOrder()
    await this.#stopping
  }

  /** No drain any more: processes are killed, stores last. */
  async force(): Promise<void> {
    for (const kind of stopOrder) {
      await Promise.all(this.#units.filter((unit) => unit.status.kind === kind).map((unit) => unit.stop(kind !== 'store')))
    }
  }

  async #stopInOrder(): Promise<void> {
    this.#record.phase('stopping')
    for (const kind of stopOrder) {
      const group = this.#units.filter((unit) => unit.status.kind === kind)
      if (group.length > 0) this.#log(`stopping ${group.map((unit) => unit.status.name).join(', ')}`)
      const outcomes = await Promise.allSettled(group.map((unit) => unit.stop()))
      for (const outcome of outcomes) if (outcome.status === 'rejected') this.#log(`stopping failed: ${String(outcome.reason)}`)
    }
  }

  #changed(status: Supervised['status']): void {
    this.#record.unit(status)
    const failure = status.state === 'restarting' ? ` (${status.lastFailure}; restarts so far: ${status.restarts})` : ''
    this.#log(`${status.name} ${status.state}${failure}`)
  }
}

import { pause } from './poll.ts'

/** A unit that is up: ready when it was handed out. */
export interface Running {
  readonly pid: number
  /** Settles once, with the exit code (null: ended by a signal). */
  readonly exited: Promise<number | null>
  /** Stops it in order; resolves when it is gone. */
  stop(): Promise<void>
  /** Ends it at once; resolves when it is gone. */
  kill(): Promise<void>
}

export type UnitKind = 'store' | 'api' | 'worker' | 'edge'

/** Something that the supervisor keeps alive. */
export interface Unit {
  readonly name: string
  readonly kind: UnitKind
  readonly port?: number
  /** The signal of an orderly, prompt stop, for whoever finds the process after its supervisor died. */
  readonly stopSignal?: NodeJS.Signals
  /**
   * Resolves when it is ready; rejects, with nothing left behind, when it does not come up. `spawned` is told the process as soon
   * as there is one, so that it can be found should the supervisor die before it is ready.
   */
  start(signal: AbortSignal, spawned: (pid: number) => void): Promise<Running>
}

export type UnitState = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped'

export interface UnitStatus {
  readonly name: string
  readonly kind: UnitKind
  readonly port: number | undefined
  readonly stopSignal: NodeJS.Signals
  readonly state: UnitState
  readonly pid: number | undefined
  readonly since: string
  readonly restarts: number
  /** Why it was restarted last. */
  readonly lastFailure: string | undefined
}

export interface Backoff {
  readonly firstMilliseconds: number
  readonly mostMilliseconds: number
  /** Having run this long without a crash, a unit starts again at the first delay. */
  readonly stableMilliseconds: number
}

export const standardBackoff: Backoff = { firstMilliseconds: 250, mostMilliseconds: 30_000, stableMilliseconds: 30_000 }

interface SuperviseOptions {
  onChange: (status: UnitStatus) => void
  backoff?: Backoff
  now?: () => number
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** One unit under supervision: started once on demand, restarted with exponential backoff whenever it ends by itself. */
export class Supervised {
  readonly #unit: Unit
  readonly #options: Required<SuperviseOptions>
  readonly #ending = new AbortController()
  #running: Running | undefined
  #readyAt = 0
  #keeping: Promise<void> = Promise.resolve()
  #status: UnitStatus

  constructor(unit: Unit, options: SuperviseOptions) {
    this.#unit = unit
    this.#options = { backoff: standardBackoff, now: Date.now, wait: pause, ...options }
    const { name, kind, port, stopSignal = 'SIGTERM' } = unit
    this.#status = {
      name,
      kind,
      port,
      stopSignal,
      state: 'stopped',
      pid: undefined,
      since: this.#time(),
      restarts: 0,
      lastFailure: undefined,
    }
  }

  get status(): UnitStatus {
    return this.#status
  }

  /** The first start: its failure is the caller's; only what was ready once is restarted. */
  async start(): Promise<void> {
    this.#change({ state: 'starting' })
    const launched = this.#launch()
    this.#keeping = launched.then(
      (running) => this.#keep(running),
      () => undefined,
    )
    try {
      await launched
    } catch (error) {
      this.#change({ state: 'stopped', pid: undefined, lastFailure: messageOf(error) })
      throw error
    }
  }

  /** A stop may be asked for in the very moment in which the unit becomes ready: then it is ended here. */
  async #launch(): Promise<Running> {
    const { signal } = this.#ending
    const running = await this.#unit.start(signal, (pid) => this.#change({ pid }))
    if (signal.aborted) {
      await running.stop()
      signal.throwIfAborted()
    }
    this.#running = running
    this.#readyAt = this.#options.now()
    this.#change({ state: 'ready', pid: running.pid })
    return running
  }

  /** Stops in order, or at once with `force`. Idempotent; a second call may only hasten. */
  async stop(force = false): Promise<void> {
    this.#ending.abort(new Error(`${this.#unit.name} is being stopped`))
    const running = this.#running
    if (running) {
      this.#change({ state: 'stopping' })
      await (force ? running.kill() : running.stop())
    }
    await this.#keeping
    this.#change({ state: 'stopped', pid: undefined })
  }

  async #keep(first: Running): Promise<void> {
    let running = first
    let failures = 0
    while (!this.#ending.signal.aborted) {
      const code = await running.exited
      this.#running = undefined
      if (this.#ending.signal.aborted) return
      if (this.#options.now() - this.#readyAt >= this.#options.backoff.stableMilliseconds) failures = 0
      this.#change({ state: 'restarting', pid: undefined, lastFailure: code === null ? 'ended by a signal' : `exited with code ${code}` })
      const next = await this.#restart(failures)
      if (!next) return
      failures = next.failures
      running = next.running
    }
  }

  /** Tries until the unit is up again. Undefined: the supervisor stops. */
  async #restart(failures: number): Promise<{ running: Running; failures: number } | undefined> {
    const { firstMilliseconds, mostMilliseconds } = this.#options.backoff
    for (let count = failures; ; count++) {
      try {
        await this.#options.wait(Math.min(mostMilliseconds, firstMilliseconds * 2 ** count), this.#ending.signal)
        this.#change({ restarts: this.#status.restarts + 1 })
        return { running: await this.#launch(), failures: count + 1 }
      } catch (error) {
        if (this.#ending.signal.aborted) return undefined
        this.#change({ pid: undefined, lastFailure: messageOf(error) })
      }
    }
  }

  #change(change: Partial<UnitStatus>): void {
    const since = change.state && change.state !== this.#status.state ? this.#time() : this.#status.since
    this.#status = { ...this.#status, ...change, since }
    this.#options.onChange(this.#status)
  }

  #time(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

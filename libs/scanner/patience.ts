/** How long to wait for a silent clamd. */
export interface PatienceOptions {
  /** Silence after which clamd is asked for a sign of life. */
  idleSeconds: number
  /** Silence after which it no longer matters whether it lives. */
  totalSeconds: number
  /** Rejects when clamd does not answer. clamd answers PING while all its threads scan, but not when it hangs. */
  ping: () => Promise<void>
  onHung(error: unknown): void
  onOver(): void
}

/** A watch that runs only while it is clamd's turn: a client that sends slowly is not clamd's fault. */
export interface Patience {
  begin(): void
  end(): void
}

export function createPatience(options: PatienceOptions): Patience {
  let turn: symbol | undefined
  let timer: NodeJS.Timeout | undefined

  function arm(current: symbol, remaining: number): void {
    const seconds = Math.min(options.idleSeconds, remaining)
    timer = setTimeout(() => void check(current, remaining - seconds), seconds * 1000)
  }

  async function check(current: symbol, remaining: number): Promise<void> {
    if (remaining <= 0) return options.onOver()
    try {
      await options.ping()
      if (turn === current) arm(current, remaining)
    } catch (error) {
      if (turn === current) options.onHung(error)
    }
  }

  return {
    begin() {
      turn = Symbol('turn')
      arm(turn, options.totalSeconds)
    },
    end() {
      turn = undefined
      clearTimeout(timer)
    },
  }
}

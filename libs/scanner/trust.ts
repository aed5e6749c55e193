/** Whether a scanner that has lost a scan is asked for a sign of life before the next one. */
export interface Trust {
  /** A scan found no clamd, or one that did not answer. */
  lose(): void
  /** Returns at once while nothing was lost. Rejects as `ping` does, and is asked again by the next one. */
  check(): Promise<void>
}

/**
 * To find out that clamd hangs takes a scan as long as its patience. Those that come after need not find out for themselves: until a PING
 * is answered, none begins. Concurrent callers share one PING.
 */
export function createTrust(ping: () => Promise<void>): Trust {
  let isLost = false
  let asking: Promise<void> | undefined

  async function ask(): Promise<void> {
    try {
      await ping()
      isLost = false
    } finally {
      asking = undefined
    }
  }

  return {
    lose() {
      isLost = true
    },
    async check() {
      if (isLost) await (asking ??= ask())
    },
  }
}

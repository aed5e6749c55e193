/** Whether a scanner that has lost a scan is asked for a sign of life before the next one. */
export interface Trust {
  /** A scan found no clamd, or one that did not answer. */
  lose(): void
  /** Null while nothing was lost: then nobody waits, and scans keep the order in which they came. Rejects as `ping` does; the next one asks again. */
  check(): Promise<void> | null
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
    check() {
      if (!isLost) return null
      asking ??= ask()
      return asking
    },
  }
}

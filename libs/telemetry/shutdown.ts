import { setTimeout as wait } from 'node:timers/promises'
import { runningTelemetry, setRunning } from './state.ts'

/**
 * Sends what is still held back; the last step of a shutdown. Neither rejects nor outlasts `seconds`: an unreachable collector must
 * not fail a process.
 */
export async function shutdownTelemetry(seconds = 5): Promise<void> {
  const telemetry = runningTelemetry()
  if (!telemetry) return
  setRunning(null)
  const flushed = telemetry.shutdown().catch(() => undefined)
  await Promise.race([flushed, wait(seconds * 1000, undefined, { ref: false })])
}

/** What the preloaded module started. One process has one, so it is kept in a module: `register.ts` sets it, `index.ts` reads it. */
export interface RunningTelemetry {
  shutdown(): Promise<void>
}

let running: RunningTelemetry | null = null

export function setRunning(telemetry: RunningTelemetry | null): void {
  running = telemetry
}

export function runningTelemetry(): RunningTelemetry | null {
  return running
}

import { processEnvironment } from '@slipway/config'
import { telemetrySettings } from './settings.ts'

// `node --import @slipway/telemetry/register main.ts`. The SDK is loaded only when it is on: it takes longer than the rest of a start.
const settings = telemetrySettings(processEnvironment())
if (settings) {
  const { startTelemetry } = await import('./start.ts')
  startTelemetry(settings)
}

import { hostname } from 'node:os'
import { type Environment, platformVariables, readConfig } from '@slipway/config'

export interface TelemetrySettings {
  sampling: 'head' | 'tail'
  ratio: number
  metricSeconds: number
  instance: string
}

const variables = { telemetry: platformVariables.telemetry, instance: platformVariables.instance }

/** Null = off. Only the variables of this package are looked at: the process itself reads the others and complains about them. */
export function telemetrySettings(environment: Environment): TelemetrySettings | null {
  const own = Object.entries(environment).filter(([name]) => name.startsWith('OTEL_') || name.startsWith('SLIPWAY_INSTANCE'))
  const { telemetry, instance } = readConfig(variables, Object.fromEntries(own))
  if (telemetry.endpoint === null) return null
  const { sampling, ratio, metricSeconds } = telemetry
  return { sampling, ratio, metricSeconds, instance: instance ?? hostname() }
}

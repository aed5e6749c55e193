import { ConfigError } from '@slipway/config'
import { describe, expect, it } from 'vitest'
import { isProbe } from './server-span.ts'
import { telemetrySettings } from './settings.ts'

describe('telemetrySettings', () => {
  it('is off without an endpoint', () => {
    expect(telemetrySettings({})).toBeNull()
    expect(telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SAMPLING: 'tail' })).toBeNull()
  })

  it('reads its own variables and minds no others', () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', SLIPWAY_INSTANCE: 'pod-1', SLIPWAY_UNKNOWN: 'x' }
    expect(telemetrySettings(environment)).toEqual({ sampling: 'head', ratio: 0.1, metricSeconds: 15, instance: 'pod-1' })
    expect(
      telemetrySettings({ ...environment, OTEL_SAMPLING: 'tail', OTEL_TRACES_SAMPLER_ARG: '0.5', OTEL_METRIC_SECONDS: '5' }),
    ).toMatchObject({ sampling: 'tail', ratio: 0.5, metricSeconds: 5 })
  })

  it('refuses nonsense', () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
    expect(() => telemetrySettings({ ...on, OTEL_SAMPLING: 'some' })).toThrow(ConfigError)
    expect(() => telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toThrow(ConfigError)
  })
})

describe('isProbe', () => {
  it('knows the health routes and nothing that begins alike', () => {
    expect(['/health', '/health/live', '/health/ready?verbose=1'].every(isProbe)).toBe(true)
    expect(['/', '/healthy', '/api/v1/health', '/api/v1/files'].some(isProbe)).toBe(false)
  })
})

import { rememberMetrics } from '@slipway/telemetry/testing'
import { describe, expect, it } from 'vitest'
import { observeCertificates } from './certificates.ts'

describe('observeCertificates', () => {
  it('wants to be told of no connection when nobody measures', () => {
    using certificates = observeCertificates(Date.now)
    expect(certificates.onSecure('redis')).toBeUndefined()
  })

  it('reports nothing before there was a connection', async () => {
    await using memory = rememberMetrics()
    using certificates = observeCertificates(Date.now)
    expect(certificates.onSecure('redis')).toBeInstanceOf(Function)
    expect(await memory.points('slipway.certificate.remaining')).toEqual([])
  })
})

import { type Context, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { createSampler } from './sampler.ts'

const traceId = '7'.repeat(32)

function parent(flags: TraceFlags, isRemote: boolean): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: '1'.repeat(16), traceFlags: flags, isRemote })
}

function kept(settings: Parameters<typeof createSampler>[0], context: Context, name = 'GET /'): boolean {
  const kind = name.startsWith('GET') ? SpanKind.SERVER : SpanKind.INTERNAL
  return createSampler(settings).shouldSample(context, traceId, name, kind, {}, []).decision === SamplingDecision.RECORD_AND_SAMPLED
}

describe('head sampling', () => {
  const all = { sampling: 'head', ratio: 1 } as const
  const none = { sampling: 'head', ratio: 0 } as const

  it('keeps a share of the traces that begin here', () => {
    expect(kept(all, ROOT_CONTEXT)).toBe(true)
    expect(kept(none, ROOT_CONTEXT)).toBe(false)
  })

  it('follows the decision of the caller', () => {
    expect(kept(none, parent(TraceFlags.SAMPLED, true))).toBe(true)
    expect(kept(all, parent(TraceFlags.NONE, true))).toBe(false)
  })
})

describe('tail sampling', () => {
  const tail = { sampling: 'tail', ratio: 0 } as const

  it('keeps everything, whatever the ratio and the caller say', () => {
    expect(kept(tail, ROOT_CONTEXT)).toBe(true)
    expect(kept(tail, parent(TraceFlags.NONE, true))).toBe(true)
  })

  it('leaves out what happens below a span that was left out here', () => {
    expect(kept(tail, parent(TraceFlags.NONE, false), 'GET redis')).toBe(false)
  })
})

describe('both', () => {
  it.each(['head', 'tail'] as const)('make no traces of queue housekeeping (%s)', (sampling) => {
    const settings = { sampling, ratio: 1 }
    expect(kept(settings, ROOT_CONTEXT, 'getNextJob file-purge')).toBe(false)
    expect(kept(settings, ROOT_CONTEXT, 'moveStalledJobsToWait file-purge')).toBe(false)
    expect(kept(settings, ROOT_CONTEXT, 'process file-purge')).toBe(true)
    expect(kept(settings, parent(TraceFlags.SAMPLED, false), 'getNextJob file-purge')).toBe(true)
  })
})

import { type Attributes, type Context, type Link, SpanKind, trace } from '@opentelemetry/api'
import {
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

/**
 * Head: a share of the traces is kept, and a caller's decision is followed. Tail: everything is recorded whatever a caller says, and
 * the gateway decides. In both, a queue's own housekeeping makes no traces.
 */
export function createSampler({ sampling, ratio }: { sampling: 'head' | 'tail'; ratio: number }): Sampler {
  if (sampling === 'head') return new ParentBasedSampler({ root: withoutHousekeeping(new TraceIdRatioBasedSampler(ratio)) })
  return new ParentBasedSampler({ root: withoutHousekeeping(new AlwaysOnSampler()), remoteParentNotSampled: new AlwaysOnSampler() })
}

/** What BullMQ does between jobs, some of it several times a second; its spans are named `<operation> <queue>`. */
const housekeeping = /^(getNextJob|moveStalledJobsToWait|startStalledCheckTimer|extendLocks|rateLimit|pause|resume|close) /

function withoutHousekeeping(sampler: Sampler): Sampler {
  return {
    shouldSample(...args: [Context, string, string, SpanKind, Attributes, Link[]]): SamplingResult {
      const [context, , name, kind] = args
      const idle = kind === SpanKind.INTERNAL && trace.getSpan(context) === undefined && housekeeping.test(name)
      return idle ? { decision: SamplingDecision.NOT_RECORD } : sampler.shouldSample(...args)
    },
    toString: () => `WithoutHousekeeping{${sampler.toString()}}`,
  }
}

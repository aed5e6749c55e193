import { expect, it } from 'vitest'
import { traceMetadata, traceOf, traceparentIn } from './trace.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

it('what is kept with a job gives its trace back', () => {
  expect(traceparentIn(traceMetadata(traceparent).telemetry?.metadata)).toBe(traceparent)
  expect(traceOf(traceparentIn(`{"tracestate":"a=b","traceparent":"${traceparent}"}`))).toBe('0af7651916cd43dd8448eb211c80319c')
})

it.each([undefined, '', '{}', 'not JSON', '{"tracestate":"a=b"}'])('%s has none', (metadata) => {
  expect(traceOf(traceparentIn(metadata))).toBeNull()
})

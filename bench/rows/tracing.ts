import type { Row } from '../measure.ts'
import { makeCallers } from './dishes.ts'
import { askingAs, hindered, serve, traced } from './http.ts'
import { requestsPerSecond, startLoad, type Target } from './requests.ts'
import { startSink } from './sinks.ts'

export const tracing: Row = {
  name: 'tracing',
  lines: ['tracing-10', 'tracing-100'],
  async open(stack) {
    const callers = await makeCallers(50)
    const sink = await startSink(stack)
    const load = await startLoad(stack)
    const settings = { kind: 'slipway', callers } as const
    const off = await serve(stack, settings)
    const tenth = await serve(stack, settings, traced(0.1, sink.otlp))
    const all = await serve(stack, settings, traced(1, sink.otlp))
    const sideOf = (target: Target) => requestsPerSecond(load, target, askingAs(callers))
    const theirs = sideOf(off)
    return [
      {
        name: 'tracing-10',
        what: 'tracing at 10 % vs off',
        unit: 'requests/s',
        goal: 0.9,
        better: '≥',
        pair: { ours: sideOf(tenth), theirs },
        control: { kind: 'identical', what: 'both off', rounds: 3, pair: { ours: theirs, theirs } },
      },
      {
        name: 'tracing-100',
        what: 'tracing at 100 % vs off',
        unit: 'requests/s',
        goal: 0.75,
        better: '≥',
        pair: { ours: sideOf(all), theirs },
        control: {
          kind: 'handicap',
          what: 'each traced request keeps the process busy for 1 ms',
          rounds: 2,
          pair: { ours: hindered(all.child, 1, sideOf(all)), theirs },
        },
      },
    ]
  },
}

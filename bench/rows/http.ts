import { type Child, startChild } from '../child.ts'
import type { Measure, Row, Side } from '../measure.ts'
import { type Callers, makeCallers, requestsOf } from './dishes.ts'
import type { Handicap, HttpServerSettings } from './http.child.ts'
import { answeringCore, requestsPerSecond, startLoad, type Target } from './requests.ts'
import { startSink } from './sinks.ts'

const connections = 50
const seconds = 4

/** The preload that turns tracing on, at this share of the requests. */
export function traced(share: number, endpoint: string, preload = '@slipway/telemetry/register') {
  return {
    arguments: ['--import', preload],
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SAMPLING: 'head', OTEL_TRACES_SAMPLER_ARG: String(share) },
  }
}

/** Runs a side while each request keeps the server busy for so long. */
// oxlint-disable-next-line eslint/max-params -- the server, how much, and what is measured meanwhile
export function hindered(server: Child, milliseconds: number, side: Side): Side {
  const hinder = (milliseconds: number) => server.ask({ milliseconds } satisfies Handicap)
  return async () => {
    await hinder(milliseconds)
    try {
      return await side()
    } finally {
      await hinder(0)
    }
  }
}

interface Served extends Target {
  readonly child: Child
}

export async function serve(
  stack: AsyncDisposableStack,
  settings: HttpServerSettings,
  options: Partial<ReturnType<typeof traced>> = {},
): Promise<Served> {
  const child = stack.use(await startChild(new URL('http.child.ts', import.meta.url), { core: answeringCore, ...options }))
  return { port: await child.ask<number>(settings), pids: [child.pid], child }
}

export function askingAs(callers: Callers) {
  return { requests: requestsOf(callers), connections, seconds }
}

export const http: Row = {
  name: 'http',
  lines: ['http-express', 'http-fastify'],
  async open(stack) {
    const callers = await makeCallers(connections)
    const sink = await startSink(stack)
    const load = await startLoad(stack)
    const tenth = traced(0.1, sink.otlp)
    const slipway = await serve(stack, { kind: 'slipway', callers }, tenth)
    const express = await serve(stack, { kind: 'express', callers })
    const fastify = await serve(stack, { kind: 'fastify', callers }, traced(0.1, sink.otlp, '@slipway/telemetry/testing/register-http'))
    const sideOf = (target: Target) => requestsPerSecond(load, target, askingAs(callers))
    const ours = sideOf(slipway)
    const busy = { kind: 'handicap' as const, what: 'each request keeps our process busy for 1 ms', rounds: 1 }
    const measureAgainst = (theirs: Side) => ({
      unit: 'requests/s',
      better: '≥' as const,
      pair: { ours, theirs },
      control: { ...busy, pair: { ours: hindered(slipway.child, 1, ours), theirs } },
    })
    return [
      { name: 'http-express', what: 'full HTTP stack vs tuned bare Express 5', goal: 0.6, ...measureAgainst(sideOf(express)) },
      {
        name: 'http-fastify',
        what: 'full HTTP stack vs Fastify 5 with equal plug-ins',
        goal: 0.85,
        ...measureAgainst(sideOf(fastify)),
      },
    ] satisfies Measure[]
  },
}

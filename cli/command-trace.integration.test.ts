import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Collector, startCollector } from '@slipway/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'

let collector: Collector
beforeAll(async () => {
  collector = await startCollector()
})
afterAll(() => collector[Symbol.asyncDispose]())

/** As images start it: with the telemetry preloaded. */
async function slipway(args: readonly string[], environment: Record<string, string>): Promise<number> {
  const [preload, main] = ['../libs/telemetry/register.ts', './main.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
  const child = spawn(process.execPath, ['--import', preload!, main!, ...args], { env: environment, stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number]
  return code
}

const settings = () => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  OTEL_TRACES_SAMPLER_ARG: '1',
  OTEL_SERVICE_NAME: 'slipway-migrate',
})

const spanOf = (name: string) => collector.spans.find((span) => span.name === name)

it('a command is a trace, which is sent before the process ends', async () => {
  expect(await slipway(['help'], settings())).toBe(0)
  expect(spanOf('slipway help')).toMatchObject({ parentId: '', failed: false, resource: { 'service.name': 'slipway-migrate' } })
})

it('one that fails says so in its trace, and its exit code stays', async () => {
  expect(await slipway(['migrate'], settings())).toBe(await slipway(['migrate'], {}))
  expect(spanOf('slipway migrate')).toMatchObject({ failed: true })
})

it('nobody who listens changes neither the exit code nor that it ends', async () => {
  expect(await slipway(['help'], { ...settings(), OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })).toBe(0)
})

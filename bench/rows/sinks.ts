import type { ScannerOptions } from '@slipway/scanner'
import type { StorageOptions } from '@slipway/storage'
import { startChild } from '../child.ts'
import { askingCore } from './requests.ts'
import type { SinkSettings, Sinks } from './sinks.child.ts'

export interface Sink {
  readonly clamd: Pick<ScannerOptions, 'host' | 'port'>
  readonly storage: StorageOptions
  /** Where telemetry may be sent to. */
  readonly otlp: string
}

/** Stand-ins of clamd, of an S3 store and of a collector that swallow, in a process of their own. */
export async function startSink(stack: AsyncDisposableStack, settings: SinkSettings = { s3Milliseconds: 0 }): Promise<Sink> {
  const child = stack.use(await startChild(new URL('sinks.child.ts', import.meta.url), { core: askingCore }))
  const { clamd, s3, otlp } = await child.ask<Sinks>(settings)
  const keys = { accessKey: 'bench', secretKey: 'bench' }
  return {
    clamd: { host: '127.0.0.1', port: clamd },
    storage: { endpoint: `http://127.0.0.1:${s3}`, region: 'us-east-1', pathStyle: true, bucketPrefix: 'bench-', ...keys },
    otlp: `http://127.0.0.1:${otlp}`,
  }
}

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processEnvironment } from '@slipway/config'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Container, defaults, type KubernetesObject, ofKind, type Pod, podsOf, refusal, render } from './chart.fixtures.ts'

const modes = ['direct', 'sidecar', 'gateway', 'sidecar+gateway'] as const
const whole = { backup: { enabled: true }, restore: { from: 'latest' } }
const values = (mode: string, telemetry: object = {}) => ({
  ...whole,
  telemetry: { mode, ...(mode === 'direct' ? { endpoint: 'http://collector.observability:4318' } : {}), ...telemetry },
})
const rendered = Object.fromEntries(['off', ...modes].map((mode) => [mode, render(values(mode))]))
const objectsOf = (mode: string) => rendered[mode] ?? []

/** The pods that run our own processes and send what they record; the one that makes secrets knows them all and sends nothing. */
const senders = (objects: readonly KubernetesObject[]) =>
  podsOf(objects).filter(({ component, metadata }) => component !== 'frontend' && metadata.labels['slipway.dev/sends-telemetry'] === 'true')
const componentsOf = (pods: readonly Pod[]) => pods.map(({ component }) => component).toSorted()
const collectorOf = ({ containers }: Pod) => containers.find(({ name }) => name === 'collector')
const variable = (container: Container | undefined, name: string) => container?.env?.find((each) => each.name === name)?.value
// oxlint-disable-next-line typescript/no-explicit-any -- as many shapes as components of the collector
const configOf = (container: Container | undefined): any => parse(variable(container, 'COLLECTOR_CONFIG') ?? '')
const gatewayOf = (objects: readonly KubernetesObject[]) => {
  const pod = podsOf(objects).find(({ component }) => component === 'collector')
  return pod && collectorOf(pod)
}

describe('off', () => {
  test('leaves no trace in any object', () => {
    const text = JSON.stringify(objectsOf('off'))
    for (const word of ['OTEL_', 'collector', 'sends-telemetry']) expect(text).not.toContain(word)
  })
})

describe.each(modes)('%s', (mode) => {
  const objects = objectsOf(mode)

  test('is told to APIs, workers, migrations, backups and restores alike', () => {
    expect(componentsOf(senders(objects))).toEqual(
      [
        ...['identity', 'files', 'menu'].flatMap((name) => [`${name}-api`, `${name}-worker`]),
        'backup-object-storage',
        'backup-postgresql',
        'doctor',
        'migrate',
        'restore',
      ].toSorted(),
    )
  })

  test('says where to, by what name and from which pod', () => {
    const to = { direct: 'http://collector.observability:4318', gateway: 'http://shop-slipway-collector:4318' } as Record<string, string>
    for (const { component, containers } of senders(objects)) {
      const telling = containers.filter((container) => variable(container, 'OTEL_SERVICE_NAME'))
      expect(telling.length, component).toBeGreaterThan(0)
      for (const container of telling) {
        expect(variable(container, 'OTEL_EXPORTER_OTLP_ENDPOINT')).toBe(to[mode] ?? 'http://127.0.0.1:4318')
        expect(variable(container, 'OTEL_RESOURCE_ATTRIBUTES')).toContain('k8s.pod.name=$(POD_NAME)')
        // What a variable refers to has to stand before it.
        const names = container.env?.map(({ name }) => name) ?? []
        expect(names.indexOf('POD_NAME')).toBeLessThan(names.indexOf('OTEL_RESOURCE_ATTRIBUTES'))
      }
    }
  })

  test('has a collector in each of their pods, before all other containers, only where the mode says so', () => {
    for (const pod of senders(objects)) {
      expect(collectorOf(pod) !== undefined, pod.component).toBe(mode.startsWith('sidecar'))
      if (!mode.startsWith('sidecar')) continue
      expect(pod.spec.initContainers[0]).toMatchObject({ name: 'collector', restartPolicy: 'Always' })
      expect(pod.spec.volumes).toContainEqual({ name: 'collector-queue', emptyDir: { sizeLimit: '64Mi' } })
    }
  })

  test('lets them reach where they send, and nobody else the gateway', () => {
    const policies = ofKind(objects, 'NetworkPolicy')
    const named = (name: string) => policies.find(({ metadata }) => metadata.name === `shop-slipway-${name}`)
    expect(named('collector') !== undefined).toBe(mode.endsWith('gateway'))
    expect(named('telemetry')?.spec.podSelector.matchLabels).toMatchObject(
      mode.endsWith('gateway') ? { 'app.kubernetes.io/component': 'collector' } : { 'slipway.dev/sends-telemetry': 'true' },
    )
    expect(named('to-collector')?.spec.egress).toEqual(
      mode.endsWith('gateway')
        ? [
            {
              to: [{ podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': 'collector' }) } }],
              ports: expect.anything(),
            },
          ]
        : undefined,
    )
    expect(named('telemetry')?.spec.ingress !== undefined).toBe(mode !== 'direct')
  })
})

describe('collectors', () => {
  const otlp = { enabled: true, endpoint: 'backend:4317', existingSecret: { name: 'backend', key: 'header' } }

  test('have limits in MiB that they keep by themselves', () => {
    const [pod] = senders(objectsOf('sidecar'))
    const collector = pod && collectorOf(pod)
    expect(collector?.resources?.limits).toMatchObject({ memory: '128Mi' })
    expect(configOf(collector).processors.memory_limiter).toEqual({ check_interval: '1s', limit_mib: 102, spike_limit_mib: 25 })
    expect(variable(collector, 'GOMEMLIMIT')).toBe('96MiB')
  })

  test('ask for no more room than they may have, however small their queue is', () => {
    const gateway = { memoryMiB: 128, queueMiB: 1, cpu: '10m' }
    const container = gatewayOf(render(values('gateway', { gateway })))
    expect(container?.resources).toMatchObject({ requests: { 'ephemeral-storage': '8Mi' }, limits: { 'ephemeral-storage': '8Mi' } })
    expect(gatewayOf(objectsOf('gateway'))?.resources).toMatchObject({ requests: { 'ephemeral-storage': '16Mi' } })
  })

  test('wait in files, in batches of the exporters and with no processor for it', () => {
    for (const mode of modes.slice(1))
      for (const pod of [...senders(objectsOf(mode)), ...podsOf(objectsOf(mode)).filter(({ component }) => component === 'collector')]) {
        const collector = collectorOf(pod)
        if (!collector) continue
        const { exporters, processors } = configOf(collector)
        expect(Object.keys(processors)).not.toContain('batch')
        for (const exporter of Object.values<{ sending_queue?: object; endpoint?: string }>(exporters))
          if (exporter.endpoint?.includes(':4317'))
            expect(exporter.sending_queue).toMatchObject({ storage: 'file_storage', batch: expect.anything() })
      }
  })

  test('send what they count of themselves to the gateway where there is one, else to themselves', () => {
    const to = (container: Container | undefined) =>
      configOf(container).service.telemetry.metrics.readers[0].periodic.exporter.otlp.endpoint
    const ofPod = (mode: string) => to(senders(objectsOf(mode)).map(collectorOf)[0])
    expect(ofPod('sidecar+gateway')).toBe('http://shop-slipway-collector:4318')
    expect(ofPod('sidecar')).toBe('http://127.0.0.1:4319')
    expect(to(gatewayOf(objectsOf('gateway')))).toBe('http://127.0.0.1:4319')
  })

  test('count themselves also when they are at their limit: no limiter stands before that, and nobody else can send there', () => {
    const [pod] = senders(objectsOf('sidecar'))
    for (const collector of [gatewayOf(objectsOf('gateway')), gatewayOf(objectsOf('sidecar+gateway')), pod && collectorOf(pod)]) {
      const { receivers, service } = configOf(collector)
      expect(receivers['otlp/own']).toEqual({ protocols: { http: { endpoint: '127.0.0.1:4319' } } })
      const { metrics, 'metrics/own': own } = service.pipelines
      expect(own).toEqual({ receivers: ['otlp/own'], exporters: metrics.exporters })
      expect(metrics).toMatchObject({ receivers: ['otlp'], processors: ['memory_limiter'] })
    }
    const [small] = senders(objectsOf('sidecar+gateway'))
    expect(configOf(small && collectorOf(small)).receivers).not.toHaveProperty(['otlp/own'])
  })

  test('of pods know nothing of the exporters when there is a gateway', () => {
    const objects = render(values('sidecar+gateway', { exporters: { otlp_grpc: otlp } }))
    for (const pod of senders(objects)) expect(JSON.stringify(collectorOf(pod))).not.toContain('backend')
    const gateway = gatewayOf(objects)
    expect(gateway?.env).toContainEqual({ name: 'OTLP_GRPC_HEADER', valueFrom: { secretKeyRef: { name: 'backend', key: 'header' } } })
    expect(configOf(gateway).exporters.otlp_grpc).toMatchObject({
      endpoint: 'backend:4317',
      headers: { authorization: '${env:OTLP_GRPC_HEADER}' },
      tls: { insecure: false },
    })
  })

  test('sample in the gateway: what failed, was slow or infected is kept', () => {
    const objects = render(values('gateway', { sampling: { kind: 'tail', ratio: 0.05 }, exporters: { otlp_grpc: otlp } }))
    const { processors, service } = configOf(gatewayOf(objects))
    expect(service.pipelines.traces.processors).toEqual(['memory_limiter', 'tail_sampling'])
    expect(service.pipelines.metrics.processors).toEqual(['memory_limiter'])
    const policies = Object.fromEntries(processors.tail_sampling.policies.map((policy: { name: string }) => [policy.name, policy]))
    expect(policies).toMatchObject({
      errors: { status_code: { status_codes: ['ERROR'] } },
      slow: { latency: { threshold_ms: 2000 } },
      infected: { string_attribute: { key: 'slipway.scan.verdict', values: ['infected'] } },
      share: { probabilistic: { sampling_percentage: 5 } },
    })
    const [pod] = senders(objects)
    expect(variable(pod?.main, 'OTEL_SAMPLING')).toBe('tail')
  })

  test('balance by trace between several gateways, and by process what is measured', () => {
    const objects = render(values('sidecar+gateway', { gateway: { replicas: 3 } }))
    const [pod] = senders(objects)
    const { exporters, service } = configOf(pod && collectorOf(pod))
    expect(service.pipelines).toMatchObject({
      traces: { exporters: ['loadbalancing/traces'] },
      metrics: { exporters: ['loadbalancing/metrics'] },
    })
    expect(exporters).toMatchObject({
      'loadbalancing/traces': {
        routing_key: 'traceID',
        resolver: { dns: { hostname: 'shop-slipway-collector-pods.apps.svc.cluster.local', port: '4317' } },
      },
      'loadbalancing/metrics': { routing_key: 'resource' },
    })
    expect(ofKind(objects, 'StatefulSet').find(({ metadata }) => metadata.name.endsWith('-collector'))?.spec.replicas).toBe(3)
  })

  test('take spans that no exporter wants, but nobody makes any', () => {
    const [pod] = senders(objectsOf('gateway'))
    expect(variable(pod?.main, 'OTEL_TRACES_SAMPLER_ARG')).toBe('0')
    expect(configOf(gatewayOf(objectsOf('gateway'))).service.pipelines.traces.exporters).toEqual(['nop'])
  })

  test.each([
    ['gateway', 'ServiceMonitor', 'endpoints'],
    ['sidecar', 'PodMonitor', 'podMetricsEndpoints'],
  ])('of mode %s are read by a %s, under the names of who has measured', (mode, kind, endpoints) => {
    const objects = render(values(mode, { monitors: { enabled: true, labels: { prometheus: 'main' } } }))
    const [monitor] = ofKind(objects, kind)
    expect(monitor?.metadata.labels).toMatchObject({ prometheus: 'main' })
    expect(monitor?.spec[endpoints]).toEqual([
      { port: 'metrics', interval: '15s', honorLabels: true, relabelings: [{ targetLabel: 'release', replacement: 'shop' }] },
    ])
    for (const object of objectsOf(mode)) expect(object.kind).not.toBe(kind)
  })
})

describe.skipIf(spawnSync('otelcol-contrib', ['--version']).error !== undefined)('configurations', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-collector-'))
    mkdirSync(join(folder, 'queue'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Cloud exporters and balancing are in the image of all contributed components only. */
  const exporters = {
    otlp_grpc: { enabled: true, endpoint: 'backend:4317', existingSecret: { name: 'backend' } },
    otlp_http: { enabled: true, endpoint: 'https://backend', signals: ['traces'] },
    debug: { enabled: true },
  }
  const cases = modes
    .slice(1)
    .flatMap((mode) => [
      [mode, 'head', {}] as const,
      [mode, 'head', exporters] as const,
      ...(mode === 'sidecar' ? [] : [[mode, 'tail', exporters] as const]),
    ])

  test.each(cases)('of %s with %s sampling are taken by the collector', (mode, kind, chosen) => {
    const objects = render(values(mode, { sampling: { kind }, exporters: chosen }))
    const pods = [...senders(objects).slice(0, 1), ...podsOf(objects).filter(({ component }) => component === 'collector')]
    const configs = pods.flatMap((pod) => variable(collectorOf(pod), 'COLLECTOR_CONFIG') ?? [])
    expect(configs).toHaveLength(mode === 'sidecar+gateway' ? 2 : 1)
    for (const config of configs) {
      const env = {
        ...processEnvironment(),
        POD_NAME: 'p',
        POD_NAMESPACE: 'n',
        OTLP_GRPC_HEADER: 'h',
        COLLECTOR_CONFIG: config.replaceAll('/var/lib/otelcol', join(folder, 'queue')),
      }
      const { status, stderr } = spawnSync('otelcol-contrib', ['validate', '--config=env:COLLECTOR_CONFIG'], { env, encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(status).toBe(0)
    }
  })
})

describe('values that do not fit together', () => {
  test.each([
    ['no endpoint', { mode: 'direct' }, 'telemetry.endpoint is empty although telemetry.mode is direct'],
    [
      'an endpoint that nobody uses',
      { mode: 'gateway', endpoint: 'http://c:4318' },
      'telemetry.endpoint is "http://c:4318" although telemetry.mode is gateway',
    ],
    [
      'tail sampling by pods',
      { mode: 'sidecar', sampling: { kind: 'tail' } },
      'telemetry.sampling.kind is tail although telemetry.mode is sidecar',
    ],
    [
      'gateways that nobody balances',
      { mode: 'gateway', gateway: { replicas: 2 } },
      'telemetry.gateway.replicas is 2 although telemetry.mode is gateway',
    ],
    [
      'an exporter without its server',
      { mode: 'gateway', exporters: { otlp_grpc: { enabled: true } } },
      'telemetry.exporters.otlp_grpc.endpoint is empty',
    ],
    [
      'X-Ray without a region',
      { mode: 'gateway', exporters: { awsxray: { enabled: true } } },
      'telemetry.exporters.awsxray.region is empty',
    ],
    [
      'Azure without its secret',
      { mode: 'gateway', exporters: { azuremonitor: { enabled: true } } },
      'telemetry.exporters.azuremonitor.existingSecret.name is empty',
    ],
    [
      'an authority without TLS',
      { mode: 'gateway', exporters: { otlp_grpc: { enabled: true, endpoint: 'b:4317', insecure: true, ca: { secret: 'c' } } } },
      'telemetry.exporters.otlp_grpc.ca.secret is "c" although insecure is true',
    ],
    [
      'no exporter',
      { mode: 'sidecar', exporters: { prometheus: { enabled: false } } },
      'telemetry.exporters are all switched off although telemetry.mode is sidecar',
    ],
    [
      'monitors of nothing',
      { mode: 'off', monitors: { enabled: true } },
      'telemetry.monitors.enabled is true although telemetry.mode is off',
    ],
  ])('%s', (_, telemetry, message) => {
    expect(refusal({ telemetry })).toContain(message)
  })

  test('an exporter that there is none of', () => {
    expect(refusal({ telemetry: { mode: 'gateway', exporters: { jaeger: { enabled: true } } } })).toContain('jaeger')
    expect(Object.keys(defaults().telemetry.exporters)).toHaveLength(8)
  })
})

import { describe, expect, test } from 'vitest'
import { defaults, type KubernetesObject, ofKind, podsOf, render } from './chart.fixtures.ts'

/** Everything that the chart can bring about at once. */
const everything = {
  environment: 'test',
  publicUrl: 'http://localhost:8080',
  mail: { catcher: { enabled: true } },
  backup: { enabled: true },
  restore: { from: 'latest' },
  telemetry: { mode: 'sidecar+gateway' },
}
const objects = render(everything)
const pods = podsOf(objects)
const named = pods.map((pod) => [`${pod.owner.kind} ${pod.component}`, pod] as const)

describe.each(named)('%s', (_, pod) => {
  test('fits the restricted Pod Security Standard', () => {
    expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    // Images of others have users of their own; nobody on the node has ours.
    const ofOthers = ['postgresql', 'redis', 'object-storage', 'clamav'].includes(pod.component)
    for (const id of ['runAsUser', 'runAsGroup', 'fsGroup']) expect(pod.spec.securityContext[id], id).toBeGreaterThan(ofOthers ? 0 : 10_000)
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod.spec[field]).toBeUndefined()
    for (const { securityContext } of pod.containers)
      expect(securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    for (const volume of pod.spec.volumes ?? []) expect(volume.hostPath).toBeUndefined()
  })

  test('gets no token of the API server unless it talks to it, and no variables of other Services', () => {
    expect(pod.spec.automountServiceAccountToken).toBe(pod.component === 'make-secrets')
    expect(pod.spec.enableServiceLinks).toBe(false)
  })

  test('asks for what it uses and has a limit of memory', () => {
    for (const { resources } of pod.containers) {
      const amounts = { memory: expect.anything(), 'ephemeral-storage': expect.anything() }
      expect(resources?.requests).toMatchObject({ cpu: expect.anything(), ...amounts })
      expect(resources?.limits).toMatchObject(amounts)
    }
  })

  test('can fill no more of the node than its limit', () => {
    for (const { name, emptyDir } of pod.spec.volumes ?? []) if (emptyDir) expect(emptyDir.sizeLimit, name).toBeDefined()
  })

  test('names its images in full, none of them the latest', () => {
    for (const { image } of pod.containers) expect(image).toMatch(/^[a-z0-9./-]+:[\w.-]+$|@sha256:/)
    for (const { image } of pod.containers) expect(image).not.toMatch(/:latest$/)
  })

  test('has nothing that a new version of the chart alone changes, as that would restart stores', ({ skip }) => {
    skip(pod.owner.kind === 'Pod', 'made anew each time anyway')
    expect(JSON.stringify(pod.metadata)).not.toMatch(/helm\.sh\/chart|app\.kubernetes\.io\/version/)
  })

  test('carries the labels that its owner, Services and policies select by', () => {
    expect(pod.metadata.labels).toMatchObject({ 'app.kubernetes.io/name': 'slipway', 'app.kubernetes.io/instance': 'shop' })
    const selector = pod.owner.spec.selector?.matchLabels ?? {}
    expect(pod.metadata.labels).toMatchObject(selector)
  })

  test('writes to volumes only that it has', () => {
    const volumes = [
      ...(pod.spec.volumes ?? []),
      ...(pod.owner.spec.volumeClaimTemplates ?? []).map((claim: { metadata: object }) => claim.metadata),
    ]
    const names = volumes.map((volume: { name: string }) => volume.name)
    for (const { volumeMounts = [] } of pod.containers) for (const { name } of volumeMounts) expect(names).toContain(name)
  })
})

describe('processes', () => {
  const processes = pods.filter(({ component }) => /-(api|worker)$/.test(component))

  test.each(processes.map((pod) => [pod.component, pod] as const))('%s is probed while it starts, lives and serves', (_, { main }) => {
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) expect(main[probe]).toBeDefined()
    // What all replicas share may be slow for a while without anybody being taken out.
    const readiness = main['readinessProbe'] as { periodSeconds: number; failureThreshold: number }
    expect(readiness.periodSeconds * readiness.failureThreshold).toBeGreaterThanOrEqual(30)
  })

  test.each(processes.map((pod) => [pod.component, pod] as const))(
    '%s has as long to end as its drain takes, and a reserve',
    (component, pod) => {
      const shutdown = Number(pod.main.env?.find(({ name }) => name === 'SHUTDOWN_SECONDS')?.value)
      const unrouted = pod.main['lifecycle'] as { preStop: { sleep: { seconds: number } } } | undefined
      expect(pod.spec.terminationGracePeriodSeconds).toBe(shutdown + (unrouted?.preStop.sleep.seconds ?? 0) + 10)
      expect(unrouted === undefined).toBe(component.endsWith('-worker'))
    },
  )

  test('a worker has as long as its longest job may take', () => {
    const { services } = defaults()
    services.files.worker.maxJobSeconds = 333
    const [worker] = podsOf(render({ services: { files: { worker: { maxJobSeconds: 333 } } } })).filter(
      ({ component }) => component === 'files-worker',
    )
    expect(worker?.spec.terminationGracePeriodSeconds).toBe(343)
    expect(worker?.main.env).toContainEqual({ name: 'SHUTDOWN_SECONDS', value: '333' })
  })

  test('roll out without one that is missing', () => {
    for (const { spec, metadata } of ofKind(objects, 'Deployment').filter(({ metadata }) => /-(api|worker)$/.test(metadata.name)))
      expect(spec.strategy.rollingUpdate, metadata.name).toEqual({ maxUnavailable: 0, maxSurge: 1 })
  })

  test('have a number of replicas only where no autoscaler has a say', () => {
    const scaled = render({ services: { files: { api: { autoscaling: { enabled: true } } } } })
    const byName = Object.fromEntries(ofKind(scaled, 'Deployment').map(({ metadata, spec }) => [metadata.name, spec.replicas]))
    expect(byName['shop-slipway-files-api']).toBeUndefined()
    expect(byName['shop-slipway-menu-api']).toBe(2)
    expect(ofKind(scaled, 'HorizontalPodAutoscaler').map(({ spec }) => spec.scaleTargetRef.name)).toEqual(['shop-slipway-files-api'])
  })

  test('get variables as they were written, large numbers too', () => {
    const env = { FILES_MAX_BYTES: 16_777_216, FILES_TRASH_DAYS: '7', SOME_RATIO: 0.25, SOME_FLAG: false, EMPTY: '' }
    const own = podsOf(render({ services: { files: { env } } })).find(({ component }) => component === 'files-api')?.main.env
    const valueOf = (name: string) => own?.find((variable) => variable.name === name)?.value
    expect(Object.keys(env).map(valueOf)).toEqual(['16777216', '7', '0.25', 'false', undefined])
  })

  test('know the secrets of their own service only', () => {
    const keys = (component: string) =>
      pods
        .find((pod) => pod.component === component)
        ?.containers.flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? []))
    expect(keys('files-api')).toEqual(expect.arrayContaining(['FILES_CREDENTIAL', 'FILES_DB_RUNTIME_PASSWORD', 'REDIS_PASSWORD']))
    for (const key of keys('files-api') ?? []) expect(key).not.toMatch(/^(IDENTITY|MENU)_|ADMIN|OWNER|BACKUP/)
    expect(keys('identity-api')).toContain('IDENTITY_SECRET')
  })
})

describe('stores', () => {
  const sets = ofKind(objects, 'StatefulSet').filter(({ metadata }) => !metadata.name.endsWith('-collector'))

  test.each(sets.map((set) => [set.metadata.name, set] as const))(
    '%s gives its pods names by a Service without an address',
    (name, { spec }) => {
      const services = ofKind(objects, 'Service')
      const headless = services.find(({ metadata }) => metadata.name === spec.serviceName)
      expect(headless?.spec).toMatchObject({ clusterIP: 'None', selector: spec.selector.matchLabels })
      expect(services.find(({ metadata }) => metadata.name === name)?.spec.clusterIP).toBeUndefined()
    },
  )

  test.each(sets.map((set) => [set.metadata.name, set] as const))('%s is not killed for what only makes it not ready', (_, { spec }) => {
    const [{ readinessProbe, livenessProbe }] = spec.template.spec.containers
    expect(livenessProbe.tcpSocket).toBeDefined()
    expect(readinessProbe.tcpSocket).toBeUndefined()
  })
})

describe('roll-outs and disturbances', () => {
  const several = pods.filter(({ component, owner }) => owner.kind === 'Deployment' && component !== 'mail')

  test.each(several.map((pod) => [pod.component, pod] as const))(
    '%s keeps to different nodes and zones, per version',
    (component, { spec }) => {
      const keys = spec.topologySpreadConstraints.map((each: { topologyKey: string }) => each.topologyKey)
      expect(keys).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname'])
      for (const { labelSelector, matchLabelKeys } of spec.topologySpreadConstraints) {
        expect(labelSelector.matchLabels).toMatchObject({ 'app.kubernetes.io/component': component })
        expect(matchLabelKeys).toEqual(['pod-template-hash'])
      }
    },
  )

  test.each(several.map((pod) => [pod.component, pod] as const))('%s loses one pod at a time', (component, pod) => {
    const budget = ofKind(objects, 'PodDisruptionBudget').find(({ metadata }) => metadata.name.endsWith(`-${component}`))
    expect(budget?.spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
    expect(pod.metadata.labels).toMatchObject(budget?.spec.selector.matchLabels)
  })
})

describe('policies', () => {
  const policies = ofKind(objects, 'NetworkPolicy')
  const covers = (policy: KubernetesObject, { metadata }: { metadata: { labels: Record<string, string> } }) =>
    Object.entries(policy.spec.podSelector.matchLabels as object).every(([name, value]) => metadata.labels[name] === value)

  test.each(named)('let nothing to or from %s but what they name', (_, pod) => {
    const deny = policies.find(({ metadata }) => metadata.name === 'shop-slipway-default-deny')
    expect(deny && covers(deny, pod)).toBe(true)
    expect(deny?.spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
    expect(deny?.spec.ingress).toBeUndefined()
  })

  test('let the frontend reach the mail catcher, whose page it shows where no edge does', () => {
    const from = [{ namespaceSelector: {} }]
    const closed = ofKind(render({ ...everything, networkPolicies: { from } }), 'NetworkPolicy')
    const named = (name: string) => closed.find(({ metadata }) => metadata.name === `shop-slipway-${name}`)
    const peer = (component: string) => ({
      podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': component }) },
    })
    expect(named('frontend')?.spec.egress).toContainEqual({ to: [peer('mail')], ports: [{ port: 8025, protocol: 'TCP' }] })
    expect(named('mail')?.spec.ingress).toContainEqual({ from: [...from, peer('frontend')], ports: [{ port: 8025, protocol: 'TCP' }] })
    const [config] = ofKind(objects, 'ConfigMap').filter(({ metadata }) => metadata.name === 'shop-slipway-frontend')
    expect(config?.data?.['mail.conf']).toContain('shop-slipway-mail.apps.svc.cluster.local:8025')
    expect(ofKind(render(), 'ConfigMap').flatMap(({ data = {} }) => Object.keys(data))).not.toContain('mail.conf')
  })

  test('let identity alone send mails', () => {
    const mailing = policies.filter(({ spec }) => JSON.stringify(spec.egress ?? []).includes('"port":587'))
    const senders = pods.filter((pod) => mailing.some((policy) => covers(policy, pod))).map(({ component }) => component)
    expect(senders.toSorted()).toEqual(['identity-api', 'identity-worker'])
  })
})

test('KEDA asks Redis as the user that processes are', () => {
  const redis = { managed: true, connection: { host: 'r', user: 'slipway', existingSecret: { name: 'k' } } }
  const services = { menu: { worker: { autoscaling: { enabled: true } } } }
  const triggers = (values: object) => ofKind(render({ keda: { enabled: true }, services, ...values }), 'ScaledObject')[0]?.spec.triggers
  for (const { metadata } of triggers({ redis })) expect(metadata).toMatchObject({ username: 'slipway', enableTLS: 'true' })
  for (const { metadata } of triggers({})) expect(metadata).not.toHaveProperty('username')
})

describe('on a full node', () => {
  const waitedFor = ['clamav', 'migrate', 'object-storage', 'postgresql', 'redis']
  const classes = (values: object) => {
    const found = podsOf(render(values)).map(({ component, spec }) => [component, spec.priorityClassName] as const)
    return { all: found, first: found.filter(([, name]) => name === 'apps-shop-slipway-first').map(([component]) => component) }
  }

  test('stores and the migration take the place of what waits for them, where a class may be made', () => {
    const values = { ...everything, restore: {}, storePriority: { create: true } }
    const [made] = ofKind(render(values), 'PriorityClass')
    expect(made).toMatchObject({ metadata: { name: 'apps-shop-slipway-first' }, value: 1000 })
    expect(made).not.toMatchObject({ globalDefault: true })
    const { all, first } = classes(values)
    expect(first.toSorted()).toEqual(waitedFor)
    for (const [component, name] of all) if (!waitedFor.includes(component)) expect(name, component).toBeUndefined()
  })

  test('hooks do without it: they run before it is there', () => {
    const values = {
      postgresql: { managed: true, connection: { host: 'db', existingSecret: { name: 'db' } } },
      storePriority: { create: true },
    }
    expect(classes(values).first).not.toContain('migrate')
  })

  test('a class of their own comes before that of all pods, and without either there is none', () => {
    const named = classes({ pod: { priorityClassName: 'low' }, storePriority: { className: 'high' } })
    for (const [component, name] of named.all) expect(name, component).toBe(waitedFor.includes(component) ? 'high' : 'low')
    expect(ofKind(render({ storePriority: { className: 'high' } }), 'PriorityClass')).toEqual([])
    expect(classes({}).all.filter(([, name]) => name !== undefined)).toEqual([])
  })
})

import { describe, expect, test } from 'vitest'
import { missingSecrets } from '../../cli/cluster/secret-values.ts'
import { wantedSecrets } from '../../cli/commands/cluster-secrets.ts'
import { services } from '../../cli/services.ts'
import { type KubernetesObject, ofKind, podsOf, render } from './chart.fixtures.ts'
import { component, managedMixes, type Store, stores } from './stores.fixtures.ts'

const users = ['identity-api', 'identity-worker', 'files-api', 'files-worker', 'menu-api', 'menu-worker', 'migrate', 'doctor']

function variablesOf(objects: KubernetesObject[], user: string): Record<string, string | undefined> {
  const pod = podsOf(objects).find((found) => found.component === user)
  return Object.fromEntries((pod?.main.env ?? []).map(({ name, value }) => [name, value]))
}

describe.each(managedMixes)('managed: $name', ({ mix, values }) => {
  const objects = render(values)
  const sets = ofKind(objects, 'StatefulSet').map(({ metadata }) => metadata.name)

  test.each(stores)('%s runs in the cluster only when it is not', (store) => {
    expect(sets.includes(`shop-slipway-${component[store]}`)).toBe(!mix.includes(store))
    const services = ofKind(objects, 'Service').map(({ metadata }) => metadata.name)
    expect(services.includes(`shop-slipway-${component[store]}`)).toBe(!mix.includes(store))
  })

  test.each(users)('%s connects to where each is', (user) => {
    const is = (store: Store) => mix.includes(store)
    expect(variablesOf(objects, user)).toMatchObject({
      DATABASE_URL: is('postgresql') ? 'postgres://db.example.com:6432/slipway' : 'postgres://shop-slipway-postgresql:5432/slipway',
      REDIS_URL: is('redis') ? 'rediss://cache.example.com:6380' : 'redis://shop-slipway-redis:6379',
      S3_ENDPOINT: is('objectStorage') ? 'https://s3.example.com:9443' : 'http://shop-slipway-object-storage:8333',
      CLAMAV_HOST: is('clamav') ? 'scan.example.com' : 'shop-slipway-clamav',
      CLAMAV_PORT: is('clamav') ? '3311' : '3310',
    })
    expect(variablesOf(objects, user)['DATABASE_TLS']).toBe(is('postgresql') ? 'verify-full' : undefined)
  })

  test('every container that talks to a store has the authority of its certificate', () => {
    const files = {
      postgresql: ['DATABASE_CA_FILE', '/etc/slipway/ca/postgresql/ca.crt'],
      redis: ['REDIS_CA_FILE', '/etc/slipway/ca/redis/ca.crt'],
      objectStorage: ['S3_CA_FILE', '/etc/slipway/ca/object-storage/ca.crt'],
    } as const
    for (const pod of podsOf(objects).filter((found) => users.includes(found.component)))
      for (const [store, [variable, file]] of Object.entries(files)) {
        const is = mix.includes(store as Store)
        expect(pod.main.env?.find(({ name }) => name === variable)?.value).toBe(is ? file : undefined)
        const mounted = pod.main.volumeMounts?.some(({ mountPath }) => file.startsWith(`${mountPath}/`))
        expect(mounted, `${pod.component} ${store}`).toBe(is)
      }
  })

  test('policies let processes go to just there', () => {
    const policy = ofKind(objects, 'NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-slipway-processes')
    const peers = policy?.spec.egress.map((rule: { to: object[]; ports: { port: number }[] }) => [
      rule.ports[0]?.port,
      JSON.stringify(rule.to),
    ])
    const cidr = { postgresql: '10.1.0.0/16', redis: '10.2.0.0/16', objectStorage: '10.3.0.0/16', clamav: '10.4.0.0/16' }
    const ports = { postgresql: [5432, 6432], redis: [6379, 6380], objectStorage: [8333, 9443], clamav: [3310, 3311] }
    for (const store of stores) {
      const is = mix.includes(store)
      const found = peers.find(([port]: [number]) => port === ports[store][is ? 1 : 0])
      expect(found?.[1]).toContain(is ? cidr[store] : `"${component[store]}"`)
    }
  })

  test('nobody makes up what only the owner of a store knows', () => {
    const [job] = podsOf(objects).filter(({ component }) => component === 'make-secrets')
    const own = {
      postgresql: ['DATABASE_ADMIN_PASSWORD'],
      redis: ['REDIS_PASSWORD'],
      objectStorage: ['S3_ACCESS_KEY', 'S3_SECRET_KEY'],
      clamav: [],
    }
    const left = mix.flatMap((store) => own[store]).toSorted()
    const args = ['slipway', 'cluster-secrets', 'shop-slipway-secrets']
    expect(job?.main.args).toEqual(left.length === 0 ? args : [...args, '--without', left.join(',')])
    const secretOf = { DATABASE_ADMIN_PASSWORD: 'db', REDIS_PASSWORD: 'cache', S3_ACCESS_KEY: 's3', S3_SECRET_KEY: 's3' }
    for (const { component, containers } of podsOf(objects).filter((pod) => users.includes(pod.component)))
      for (const { valueFrom } of containers[0]?.env ?? []) {
        const { name, key } = valueFrom?.secretKeyRef ?? {}
        if (key !== undefined && left.includes(key)) expect(name, `${component} ${key}`).toBe(secretOf[key as keyof typeof secretOf])
      }
  })

  test('migrations run before the pods change only with a database of others', () => {
    const job = ofKind(objects, 'Job').find(({ metadata }) => metadata.name.includes('migrate'))
    expect(job?.metadata.annotations?.['helm.sh/hook']).toBe(mix.includes('postgresql') ? 'pre-install,pre-upgrade' : undefined)
  })
})

test('object storage by the identity of the pods has no keys', () => {
  const objects = render({
    objectStorage: { managed: true, connection: { auth: 'identity' } },
    serviceAccount: { annotations: { role: 'r' } },
  })
  for (const user of users) expect(variablesOf(objects, user)).not.toHaveProperty('S3_ACCESS_KEY')
  expect(ofKind(objects, 'ServiceAccount').find(({ metadata }) => metadata.name === 'shop-slipway-services')?.metadata.annotations).toEqual(
    { role: 'r' },
  )
})

test('credentials of a managed store may lie in a Secret of their own', () => {
  const objects = render({
    redis: { managed: true, connection: { host: 'r', existingSecret: { name: 'elasticache', key: 'auth-token' } } },
  })
  const found = podsOf(objects)
    .filter(({ component }) => users.includes(component))
    .map(({ containers }) => containers[0]?.env?.find(({ name }) => name === 'REDIS_PASSWORD')?.valueFrom?.secretKeyRef)
  expect(found).toEqual(users.map(() => ({ name: 'elasticache', key: 'auth-token' })))
})

test('the engine of object storage can be minio', () => {
  const objects = render({ objectStorage: { engine: 'minio' } })
  const pod = podsOf(objects).find(({ component }) => component === 'object-storage')
  expect(pod?.main.image).toMatch(/^quay\.io\/minio\/minio:/)
  expect(variablesOf(objects, 'files-api')['S3_ENDPOINT']).toBe('http://shop-slipway-object-storage:9000')
})

const names = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
}

test('what makes secrets reaches the API server, wherever that listens', () => {
  const networkPolicies = { kubernetesApi: { cidrs: ['10.9.0.1/32', 'fd00::1/128'], ports: [16443] } }
  const policy = ofKind(render({ networkPolicies }), 'NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-slipway-make-secrets')
  expect(policy?.spec.egress).toEqual([
    names,
    {
      to: [{ ipBlock: { cidr: '10.9.0.1/32' } }, { ipBlock: { cidr: 'fd00::1/128' } }],
      ports: [{ port: 16443, protocol: 'TCP' }],
    },
  ])
})

test('a hook brings the policy that it needs along: those of the release are still of the revision before', () => {
  const objects = render({ postgresql: { managed: true, connection: { host: 'db', existingSecret: { name: 'db' } } } })
  for (const hook of objects.filter(({ kind, metadata }) => kind === 'Job' && metadata.annotations?.['helm.sh/hook'])) {
    const component = hook.metadata.labels?.['app.kubernetes.io/component']
    const policy = ofKind(objects, 'NetworkPolicy').find(({ metadata }) => metadata.name === `shop-slipway-${component}`)
    expect(policy?.metadata.annotations?.['helm.sh/hook'], component).toBe(hook.metadata.annotations?.['helm.sh/hook'])
    const weight = (object: KubernetesObject | undefined) => Number(object?.metadata.annotations?.['helm.sh/hook-weight'])
    expect(weight(policy), component).toBeLessThan(weight(hook))
    expect(policy?.spec.podSelector.matchLabels['app.kubernetes.io/component']).toBe(component)
    // At the first install there is no other policy that would let it ask for names.
    expect(policy?.spec.egress).toContainEqual(names)
  }
})

describe('Postgres by the identity of the pods', () => {
  const values = {
    postgresql: { managed: true, connection: { host: 'db.rds.example.com', auth: 'aws-iam', region: 'eu-north-1' } },
    serviceAccount: { annotations: { role: 'app' }, migrationAnnotations: { role: 'admin' }, cidrs: ['198.51.100.0/24'] },
  }
  const objects = render(values)
  const byPassword = render({ postgresql: { managed: true, connection: { host: 'db', existingSecret: { name: 'db' } } } })

  test.each(users)('%s has no password for it', (user) => {
    const variables = variablesOf(objects, user)
    expect(variables).toMatchObject({ DATABASE_AUTH: 'aws-iam', DATABASE_REGION: 'eu-north-1', DATABASE_TLS: 'verify-full' })
    const passwords = (of: KubernetesObject[]) =>
      Object.keys(variablesOf(of, user)).filter((name) => /^DATABASE_.*PASSWORD$|_DB_/.test(name))
    expect(passwords(objects)).toEqual([])
    expect(passwords(byPassword)).not.toEqual([])
    expect(variablesOf(byPassword, user)).not.toHaveProperty('DATABASE_AUTH')
  })

  test('backups and restores have none either, and restore as the admin', () => {
    const backup = { backup: { enabled: true }, restore: { from: 'latest' } }
    const pods = podsOf(render({ ...values, ...backup })).filter(({ component }) => /^backup-postgresql$|^restore$/.test(component))
    expect(pods).toHaveLength(2)
    for (const { containers } of pods)
      for (const { name } of containers.flatMap(({ env = [] }) => env)) expect(name).not.toMatch(/^DATABASE_.*PASSWORD$|_DB_/)
    const accounts = Object.fromEntries(pods.map(({ component, spec }) => [component, spec.serviceAccountName]))
    expect(accounts).toEqual({ 'backup-postgresql': 'shop-slipway-services', restore: 'shop-slipway-migrate' })
  })

  test('nobody makes one up', () => {
    const [job] = podsOf(objects).filter(({ component }) => component === 'make-secrets')
    const left = job?.main.args?.at(-1)?.split(',') ?? []
    const all = missingSecrets(
      {},
      services.map(({ name }) => name),
      left,
    )
    expect(Object.keys(all).filter((name) => /^DATABASE_|_DB_/.test(name))).toEqual([])
    expect(Object.keys(all)).toContain('REDIS_PASSWORD')
    expect(wantedSecrets(left.join()).without).toEqual(left)
  })

  test('migrations and the doctor are the admin, the others are not', () => {
    const accounts = Object.fromEntries(
      ofKind(objects, 'ServiceAccount').map(({ metadata }) => [metadata.name, metadata.annotations?.['role']]),
    )
    const roles = Object.fromEntries(podsOf(objects).map(({ component, spec }) => [component, accounts[spec.serviceAccountName]]))
    expect(roles).toMatchObject({ migrate: 'admin', doctor: 'admin', 'files-api': 'app', 'files-worker': 'app' })
  })

  test('the account of migrations is there before them', () => {
    const hooks = (of: KubernetesObject[]) =>
      of
        .filter(({ metadata }) => metadata.name.startsWith('shop-slipway-migrate'))
        .map(({ kind, metadata }) => [kind, metadata.annotations?.['helm.sh/hook'], Number(metadata.annotations?.['helm.sh/hook-weight'])])
    expect(hooks(objects)).toEqual([
      ['NetworkPolicy', 'pre-install,pre-upgrade', -15],
      ['ServiceAccount', 'pre-install,pre-upgrade', -15],
      ['Job', 'pre-install,pre-upgrade', -10],
    ])
    for (const [, hook] of hooks(render())) expect(hook).toBeUndefined()
  })

  test('before an upgrade the database that is there gets its schema, so that no pod waits for a Job that has no room', () => {
    const jobs = (name: RegExp, of: KubernetesObject[]) => ofKind(of, 'Job').filter(({ metadata }) => name.test(metadata.name))
    const upgrade = render({}, ['--is-upgrade'])
    const [job] = jobs(/migrate-early$/, upgrade)
    expect(job?.metadata.annotations).toEqual({
      'helm.sh/hook': 'pre-upgrade',
      'helm.sh/hook-weight': '-10',
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    })
    const [plain] = jobs(/migrate-1-/, upgrade)
    const podOf = (of: KubernetesObject | undefined) => ({
      ...of?.spec.template.spec,
      containers: [{ ...of?.spec.template.spec.containers[0], args: [] }],
    })
    expect(podOf(job)).toEqual(podOf(plain))
    expect(job?.spec.template.spec.containers[0].args).toEqual(['slipway', 'migrate', '--early'])
    expect(jobs(/migrate-early$/, render())).toEqual([])
    expect(jobs(/migrate-early$/, render({ backup: { enabled: true }, restore: { from: 'latest' } }, ['--is-upgrade']))).toEqual([])
    expect(jobs(/migrate-early$/, render(values, ['--is-upgrade']))).toEqual([])
  })

  test('the policy of migrations lets them get theirs', () => {
    const policy = ofKind(objects, 'NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-slipway-migrate')
    expect(JSON.stringify(policy?.spec.egress)).toContain('198.51.100.0/24')
  })

  test('policies let pods get the tokens of their identity, and only where they have one', () => {
    const peers = (of: KubernetesObject[]) =>
      JSON.stringify(ofKind(of, 'NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-slipway-processes')?.spec.egress)
    expect(peers(objects)).toContain('198.51.100.0/24')
    expect(peers(objects)).toContain('169.254.170.23/32')
    expect(peers(byPassword)).not.toContain('169.254.170.23/32')
    expect(peers(render({ objectStorage: { managed: true, connection: { auth: 'identity' } } }))).toContain('169.254.170.23/32')
  })
})

test('what is a hook with one store and a usual object with another says whose it is: on the way back the release takes it over', () => {
  const isHook = ({ metadata }: KubernetesObject) => metadata.annotations?.['helm.sh/hook'] !== undefined
  const nameOf = ({ kind, metadata }: KubernetesObject) => `${kind}/${metadata.name}`
  const rendered = managedMixes.map(({ values }) => render(values, ['--is-upgrade']))
  const usual = new Set(rendered.flatMap((objects) => objects.filter((object) => !isHook(object)).map(nameOf)))
  // Jobs are removed when they have succeeded, and bear the number of the revision.
  const both = rendered.flat().filter((object) => isHook(object) && object.kind !== 'Job' && usual.has(nameOf(object)))
  expect(new Set(both.map(nameOf))).toEqual(new Set(['ServiceAccount/shop-slipway-migrate']))
  for (const { metadata } of both)
    expect(metadata.annotations).toMatchObject({
      'meta.helm.sh/release-name': 'shop',
      'meta.helm.sh/release-namespace': 'apps',
      'helm.sh/resource-policy': 'keep',
    })
})

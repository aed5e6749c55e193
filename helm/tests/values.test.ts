import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { chart, type KubernetesObject, ofKind, podsOf, refusal, render, renderText } from './chart.fixtures.ts'

describe('the schema', () => {
  const schema = JSON.parse(readFileSync(`${chart}/values.schema.json`, 'utf8'))

  function objectsIn(node: unknown, path: string): [path: string, node: Record<string, unknown>][] {
    if (typeof node !== 'object' || node === null) return []
    const own: [string, Record<string, unknown>][] =
      (node as { type?: unknown }).type === 'object' ? [[path, node as Record<string, unknown>]] : []
    return [...own, ...Object.entries(node).flatMap(([key, value]) => objectsIn(value, `${path}/${key}`))]
  }

  test('is closed: every object says what it may hold', () => {
    const open = objectsIn(schema, '').filter(
      ([, node]) => node['additionalProperties'] === undefined || node['additionalProperties'] === true,
    )
    // What Kubernetes defines is for its API server to check.
    expect(open.map(([path]) => path)).toEqual(['/$defs/kubernetesObject'])
  })

  test.each([
    ['a key that is none', { redis: { maxmemory: '1gb' } }, "additional properties 'maxmemory' not allowed"],
    ['a word for a number', { services: { files: { api: { replicas: 'two' } } } }, 'got string, want integer'],
    ['a mode that is none', { secrets: { mode: 'magic' } }, "value must be one of 'generated', 'existing', 'external'"],
    ['a flag in quotes', { postgresql: { managed: 'true' } }, 'got string, want boolean'],
    ['an impossible port', { redis: { connection: { port: 70_000 } } }, 'maximum: got 70,000, want 65,535'],
  ])('refuses %s', (_, values, words) => {
    expect(refusal({ ...values })).toContain(words)
  })
})

describe('values that do not fit together', () => {
  test.each([
    ['publicUrl', { publicUrl: '' }, 'publicUrl is "": set it to where clients reach the platform'],
    ['a path in publicUrl', { publicUrl: 'https://a.example/b' }, 'publicUrl is "https://a.example/b": leave only scheme, host and port'],
    ['http in production', { publicUrl: 'http://a.example' }, 'production needs https'],
    [
      'test signatures in production',
      { clamav: { allowTestSignatures: true } },
      'clamav.allowTestSignatures is true: production needs real signatures',
    ],
    ['a mail catcher in production', { mail: { catcher: { enabled: true } } }, 'mail.catcher.enabled is true'],
    ['changing files in production', { dev: { liveReload: true } }, 'dev.liveReload is true: in production nobody changes files'],
    [
      'managed without a host',
      { postgresql: { managed: true } },
      'postgresql.connection.host is empty although postgresql.managed is true',
    ],
    ['a host without managed', { redis: { connection: { host: 'r' } } }, 'redis.connection.host is "r" although redis.managed is false'],
    [
      'an endpoint without managed',
      { objectStorage: { connection: { endpoint: 'https://s' } } },
      'objectStorage.connection.endpoint is "https://s"',
    ],
    [
      'keys and identity',
      { objectStorage: { managed: true, connection: { auth: 'identity', existingSecret: { name: 'k' } } } },
      'objectStorage.connection.existingSecret.name is "k" although auth is identity',
    ],
    [
      'tokens of AWS for the bundled Postgres',
      { postgresql: { connection: { auth: 'aws-iam' } } },
      'postgresql.connection.auth is aws-iam although postgresql.managed is false',
    ],
    [
      'tokens in the clear',
      { postgresql: { managed: true, connection: { host: 'd', auth: 'aws-iam', tls: 'disable' } } },
      'postgresql.connection.tls is disable although auth is aws-iam',
    ],
    [
      'tokens and a password',
      { postgresql: { managed: true, connection: { host: 'd', auth: 'aws-iam', existingSecret: { name: 'p' } } } },
      'postgresql.connection.existingSecret.name is "p" although auth is aws-iam',
    ],
    [
      'a password of others from nowhere',
      { postgresql: { managed: true, connection: { host: 'd' } } },
      'postgresql.connection.existingSecret.name is empty although postgresql.managed is true and secrets.mode is generated: only the owner of that store knows DATABASE_ADMIN_PASSWORD,',
    ],
    [
      'keys of others from nowhere',
      { objectStorage: { managed: true } },
      'knows S3_ACCESS_KEY and S3_SECRET_KEY, so put it into a Secret and name that one, or set secrets.mode to existing or external',
    ],
    [
      'an authority without TLS',
      { redis: { managed: true, connection: { host: 'r', tls: false, ca: { secret: 'c' } } } },
      'redis.connection.ca.secret is "c" although the connection is not encrypted',
    ],
    [
      'a stream above the file',
      { clamav: { maxFileBytes: 2048 } },
      'clamav.maxStreamBytes is 1073741824, above clamav.maxFileBytes (2048)',
    ],
    ['an existing Secret without a name', { secrets: { mode: 'existing' } }, 'secrets.name is empty although secrets.mode is existing'],
    ['an external Secret without a key', { secrets: { mode: 'external' } }, 'secrets.external.key is empty'],
    [
      'two classes of priority',
      { storePriority: { create: true, className: 'high' } },
      'storePriority.className is "high" although storePriority.create is true',
    ],
    ['a route without a Gateway', { edge: { kind: 'httpRoute' } }, 'edge.httpRoute.parentRefs is empty'],
    ['two ways to TLS', { edge: { tls: { secret: 'a', issuer: 'b' } } }, 'keep one of them'],
    [
      'a certificate for a Gateway',
      { edge: { kind: 'httpRoute', tls: { secret: 'a' }, httpRoute: { parentRefs: [{ name: 'g' }] } } },
      'edge.tls.secret is "a" although edge.kind is httpRoute',
    ],
    ['mails without a sender', { services: { identity: { env: { MAIL_FROM: '' } } } }, 'services.identity.env.MAIL_FROM is empty'],
    ['no identity', { services: { identity: { enabled: false } } }, 'services.identity is switched off'],
    [
      'a route of two',
      { services: { menu: { routes: ['/api/v1/files'] } } },
      'services.menu.routes has "/api/v1/files", which is services.files\'s',
    ],
    [
      'fewest above most',
      { services: { files: { api: { autoscaling: { enabled: true, minReplicas: 9, maxReplicas: 3 } } } } },
      'services.files.api.autoscaling.minReplicas is 9, above maxReplicas (3)',
    ],
  ])('%s', (_, values, words) => {
    expect(refusal({ ...values })).toContain(words)
  })

  test('secrets of others may lie in the one Secret of the release when people bring it', () => {
    const managed = { postgresql: { managed: true, connection: { host: 'd' } }, redis: { managed: true, connection: { host: 'r' } } }
    for (const secrets of [
      { mode: 'existing', name: 'mine' },
      { mode: 'external', external: { store: { name: 's' }, key: 'k' } },
    ])
      expect(() => renderText({ ...managed, objectStorage: { managed: true }, secrets })).not.toThrow()
    const own = { connection: { auth: 'identity' } }
    expect(() => renderText({ objectStorage: { managed: true, ...own } })).not.toThrow()
  })

  test('are told all at once', () => {
    const told = refusal({ publicUrl: 'ftp://x', clamav: { allowTestSignatures: true }, edge: { kind: 'httpRoute' } })
    expect(told.match(/^ {2}- /gm)).toHaveLength(3)
  })
})

test('the same values give the same bytes', () => {
  expect(renderText()).toBe(renderText())
})

test('nothing is asked of the cluster and nothing is left to chance while rendering', () => {
  const text = renderText({}, ['--debug'])
  expect(text).not.toMatch(/\{\{/)
  for (const word of ['lookup', 'randAlpha', 'genCA', 'genPrivateKey', 'uuidv4', 'now |']) {
    const found = execGrep(word)
    expect(found, word).toEqual([])
  }
})

function execGrep(word: string): string[] {
  return templates.filter((text) => new RegExp(`\\b${word.replace('|', '\\|')}`).test(text))
}

const templates = globSync(`${chart}/templates/**/*`, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))

test('at most eight files of helpers: what is used in one place stands there', () => {
  const helpers = globSync(`${chart}/templates/_lib/*`)
  expect(helpers.length).toBeGreaterThan(0)
  expect(helpers.length).toBeLessThanOrEqual(8)
})

describe('the edge', () => {
  test('is an Ingress or an HTTPRoute with the same table, longest prefix first', () => {
    const [ingress] = ofKind(render(), 'Ingress')
    const paths = ingress?.spec.rules[0].http.paths.map((entry: { path: string }) => entry.path)
    expect(paths).toEqual([...paths].sort((a: string, b: string) => b.length - a.length || (a < b ? -1 : 1)))
    const [route] = ofKind(render({ edge: { kind: 'httpRoute', httpRoute: { parentRefs: [{ name: 'g' }] } } }), 'HTTPRoute')
    const matches = route?.spec.rules.flatMap((rule: { matches: { path: { value: string } }[] }) =>
      rule.matches.map(({ path }) => path.value),
    )
    expect(new Set(matches)).toEqual(new Set(paths))
    for (const rule of route?.spec.rules ?? []) expect(rule.matches.length).toBeLessThanOrEqual(8)
  })

  test('never names an internal port', () => {
    for (const text of [renderText(), renderText({ edge: { kind: 'httpRoute', httpRoute: { parentRefs: [{ name: 'g' }] } } })])
      expect(text.split('---').find((part) => /kind: (Ingress|HTTPRoute)\b/.test(part))).not.toMatch(/8081|internal/)
  })

  test('serves the subdomains of tenants', () => {
    const [ingress] = ofKind(render({ baseDomain: 'example.com' }), 'Ingress')
    expect(ingress?.spec.rules.map((rule: { host: string }) => rule.host)).toEqual(['slipway.example.com', '*.example.com'])
  })

  test('takes its certificate from a Secret, or from cert-manager for all its hosts', () => {
    const tlsOf = (objects: KubernetesObject[]) => ofKind(objects, 'Ingress')[0]?.spec.tls
    const hosts = ['slipway.example.com', '*.example.com']
    const given = render({ baseDomain: 'example.com', edge: { tls: { secret: 'own' } } })
    expect(tlsOf(given)).toEqual([{ secretName: 'own', hosts }])
    expect(ofKind(given, 'Certificate')).toEqual([])
    const issued = render({ baseDomain: 'example.com', edge: { tls: { issuer: 'letsencrypt' } } })
    expect(tlsOf(issued)).toEqual([{ secretName: 'shop-slipway-tls', hosts }])
    const issuerRef = { group: 'cert-manager.io', kind: 'ClusterIssuer', name: 'letsencrypt' }
    expect(ofKind(issued, 'Certificate')[0]?.spec).toEqual({ secretName: 'shop-slipway-tls', dnsNames: hosts, issuerRef })
    expect(tlsOf(render())).toBeUndefined()
  })

  test('has a certificate made for a Gateway too, whose listener names it', () => {
    const edge = { kind: 'httpRoute', httpRoute: { parentRefs: [{ name: 'g' }] }, tls: { issuer: 'ca', issuerKind: 'Issuer' } }
    const [certificate] = ofKind(render({ edge }), 'Certificate')
    expect(certificate?.spec).toMatchObject({ secretName: 'shop-slipway-tls', issuerRef: { kind: 'Issuer', name: 'ca' } })
    expect(ofKind(render({ edge: { kind: 'none', tls: { issuer: 'ca' } } }), 'Certificate')).toEqual([])
  })

  test('serves the subdomains by HTTPRoute as well', () => {
    const values = { baseDomain: 'example.com', edge: { kind: 'httpRoute', httpRoute: { parentRefs: [{ name: 'g' }] } } }
    expect(ofKind(render(values), 'HTTPRoute')[0]?.spec.hostnames).toEqual(['slipway.example.com', '*.example.com'])
  })
})

describe('limits of routes', () => {
  const limited = {
    edge: { limits: { maxBodyBytes: 1_048_576, timeout: '1m' } },
    services: {
      identity: { routes: ['/api/v1/auth', { path: '/.well-known/jwks.json', timeout: '5s' }] },
      files: { routes: ['/api/v1/folders', { path: '/api/v1/files', maxBodyBytes: 5_000_000_000, timeout: '2h' }] },
    },
  }
  const gateway = { kind: 'httpRoute', httpRoute: { parentRefs: [{ name: 'g' }] } }

  test('are times of whole requests by HTTPRoute', () => {
    const [route] = ofKind(render({ ...limited, edge: { ...limited.edge, ...gateway } }), 'HTTPRoute')
    const timeouts = Object.fromEntries(
      route?.spec.rules.flatMap((rule: { matches: { path: { value: string } }[]; timeouts: { request: string } }) =>
        rule.matches.map(({ path }) => [path.value, rule.timeouts.request]),
      ),
    )
    expect(timeouts).toMatchObject({ '/': '60s', '/api/v1/auth': '60s', '/.well-known/jwks.json': '5s', '/api/v1/folders': '60s' })
    expect(timeouts).toMatchObject({ '/api/v1/files': '7200s', '/api/v1/dishes': '3600s' })
  })

  test('are told to the controller of an Ingress by its own annotations', () => {
    const limitAnnotations = {
      'nginx.ingress.kubernetes.io/proxy-body-size': '{maxBodyBytes}',
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '{timeoutSeconds}',
    }
    const objects = ofKind(
      render({ ...limited, edge: { ...limited.edge, annotations: { own: 'a' }, ingress: { limitAnnotations } } }),
      'Ingress',
    )
    const told = Object.fromEntries(
      objects.flatMap(({ metadata, spec }) =>
        spec.rules[0].http.paths.map(({ path }: { path: string }) => [path, Object.values(metadata.annotations ?? {}).toSorted()]),
      ),
    )
    expect(told['/']).toEqual(['1048576', '60', 'a'])
    expect(told['/api/v1/auth']).toEqual(['1048576', '60', 'a'])
    expect(told['/api/v1/files']).toEqual(['5000000000', '7200', 'a'])
    expect(told['/.well-known/jwks.json']).toEqual(['1048576', '5', 'a'])
    expect(new Set(objects.map(({ metadata }) => metadata.name)).size).toBe(objects.length)
  })

  test('make no second Ingress where no controller could be told', () => {
    expect(ofKind(render(limited), 'Ingress').map(({ metadata }) => metadata.name)).toEqual(['shop-slipway-edge'])
  })

  test('reach the nginx of the frontend', () => {
    const objects = render(limited)
    const [frontend] = podsOf(objects).filter(({ component }) => component === 'frontend')
    expect(frontend?.main.env).toEqual(
      expect.arrayContaining([
        { name: 'EDGE_BODY_BYTES', value: '1048576' },
        { name: 'EDGE_READ_SECONDS', value: '60' },
      ]),
    )
    const config =
      ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name === 'shop-slipway-frontend')?.data?.['limits.conf'] ?? ''
    const told = [...config.matchAll(/location ~ (\S+) \{\s+client_max_body_size (\d+);\s+proxy_read_timeout (\w+);/g)].map((match) =>
      match.slice(1),
    )
    expect(told).toEqual([
      ['^/\\.well-known/jwks\\.json(/|$)', '1048576', '5s'],
      ['^/api/v1/dishes(/|$)', '22020096', '3600s'],
      ['^/api/v1/files(/|$)', '5000000000', '7200s'],
    ])
    expect(config.match(/proxy_pass http:\/\/\$slipway_upstream;/g)).toHaveLength(3)
  })

  test('restart the frontend when they change, and nothing else', () => {
    const annotations = (values: object) =>
      Object.fromEntries(podsOf(render(values)).map(({ component, metadata }) => [component, metadata.annotations]))
    const changed = Object.entries(annotations(limited)).filter(
      ([component, own]) => JSON.stringify(own) !== JSON.stringify(annotations({})[component]),
    )
    expect(changed.map(([component]) => component)).toEqual(['frontend'])
  })

  test.each([
    ['an object without a path', { timeout: '5s' }, 'missing property'],
    ['a time without a unit', { path: '/a', timeout: '5' }, 'does not match pattern'],
    ['a limit that is none', { path: '/a', maxBody: 5 }, 'not allowed'],
  ])('refuse %s', (_, route, words) => {
    expect(refusal({ services: { files: { routes: [route] } } })).toContain(words)
  })
})

describe('secrets', () => {
  const names = (values: object) => [...renderText({ ...values }).matchAll(/secretKeyRef:\n\s+name: (\S+)/g)].map((match) => match[1])

  test('are made by a Job that may read and add to one Secret only', () => {
    const objects = render()
    const [role] = ofKind(objects, 'Role') as unknown as { rules: { verbs: string[]; resourceNames?: string[] }[] }[]
    expect(role?.rules).toEqual([
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['shop-slipway-secrets'], verbs: ['get', 'patch'] },
    ])
  })

  test('may be there already, or come from outside: then nothing of that is made', () => {
    for (const secrets of [
      { mode: 'existing', name: 'mine' },
      { mode: 'external', name: 'mine', external: { store: { name: 's' }, key: 'k' } },
    ]) {
      expect(new Set(names({ secrets }))).toEqual(new Set(['mine']))
      expect(ofKind(render({ secrets }), 'Role')).toEqual([])
    }
    const [external] = ofKind(render({ secrets: { mode: 'external', external: { store: { name: 's' }, key: 'k' } } }), 'ExternalSecret')
    expect(external?.spec).toMatchObject({ secretStoreRef: { name: 's' }, target: { name: 'shop-slipway-secrets' } })
  })

  test('a new generation restarts what uses them', () => {
    const template = (generation: string) => renderText({ secrets: { generation } })
    expect(template('1')).not.toBe(template('2'))
  })
})

test('two releases in one namespace share no name', () => {
  const names = (release: string) =>
    new Set(
      render({ fullnameOverride: release })
        .filter(({ kind }) => kind !== 'Pod')
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    )
  const other = names('two')
  expect([...names('one')].filter((name) => other.has(name))).toEqual([])
})

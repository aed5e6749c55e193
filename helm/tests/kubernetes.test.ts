import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { chart, renderText } from './chart.fixtures.ts'
import { schemas, writeSchemas } from './schemas.ts'
import { managedMixes } from './stores.fixtures.ts'

/** What tools of others say of the rendered objects. Where a tool is not to be had its tests are left out: `slipway test chart` says so. */
const has = (tool: string) => spawnSync(tool, ['-h']).error === undefined

/** Every profile, every mix of stores, and what no profile switches on. */
const renderings: Readonly<Record<string, object>> = {
  ...Object.fromEntries(
    readdirSync(`${chart}/profiles`).map((name) => [`profile ${name}`, parse(readFileSync(`${chart}/profiles/${name}`, 'utf8')) as object]),
  ),
  ...Object.fromEntries(managedMixes.map(({ name, values }) => [`managed: ${name}`, values])),
  minio: { objectStorage: { engine: 'minio' } },
  'the edge by HTTPRoute': { baseDomain: 'example.com', edge: { kind: 'httpRoute', httpRoute: { parentRefs: [{ name: 'front' }] } } },
  'the edge with a certificate': { baseDomain: 'example.com', edge: { ingress: { className: 'x' }, tls: { issuer: 'letsencrypt' } } },
  'no edge, no frontend': { edge: { kind: 'none' }, frontend: { enabled: false } },
  'autoscaling by KEDA': {
    keda: { enabled: true },
    services: { menu: { api: { autoscaling: { enabled: true } }, worker: { autoscaling: { enabled: true } } } },
  },
  'backups elsewhere, and a restore': {
    backup: { enabled: true, destination: { bucket: 'b-1', endpoint: 'https://s', ca: { secret: 'c' }, existingSecret: { name: 'k' } } },
    restore: { from: 'latest' },
  },
  'alerts and dashboards': {
    telemetry: { alerts: { enabled: true, labels: { team: 'a' } }, dashboards: { enabled: true, folder: 'Slipway' } },
    backup: { enabled: true },
    edge: { tls: { issuer: 'letsencrypt' } },
  },
  'an existing Secret': { secrets: { mode: 'existing', name: 'mine' } },
  'an ExternalSecret': { secrets: { mode: 'external', external: { store: { name: 'vault' }, key: 'slipway' } } },
  ...Object.fromEntries(
    ['direct', 'sidecar', 'gateway', 'sidecar+gateway'].map((mode) => [
      `telemetry: ${mode}`,
      {
        backup: { enabled: true },
        restore: { from: 'latest' },
        telemetry: { mode, ...(mode === 'direct' ? { endpoint: 'http://c:4318' } : { monitors: { enabled: true } }) },
      },
    ]),
  ),
  'several gateways': { telemetry: { mode: 'sidecar+gateway', gateway: { replicas: 3 } } },
  'no policies': { networkPolicies: { enabled: false }, podDisruptionBudgets: { enabled: false } },
  'everything of a pod': {
    image: { registry: 'registry.example.com', pullSecrets: ['pull'] },
    pod: {
      labels: { team: 'a' },
      annotations: { note: 'b' },
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
    },
    storePriority: { create: true },
    services: { menu: { extraEgress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }] } },
    networkPolicies: { from: [{ namespaceSelector: {} }] },
  },
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-chart-'))
  for (const [name, values] of Object.entries(renderings)) writeFileSync(fileOf(name), renderText(values))
})
afterAll(() => rmSync(folder, { recursive: true }))

const fileOf = (name: string) => join(folder, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.yaml`)

describe.skipIf(!has('kubeconform'))('kubeconform', () => {
  beforeAll(() => {
    writeSchemas(folder)
  })

  interface Verdict {
    readonly summary: Readonly<Record<'valid' | 'invalid' | 'errors' | 'skipped', number>>
    readonly resources: readonly { filename: string; kind: string; name: string; msg: string }[]
  }

  /** There is no schema of ExternalSecret in the cluster: that kind alone is passed over. */
  function conform(files: readonly string[]): Verdict {
    const schema = join(folder, '{{ .Group }}-{{ .ResourceAPIVersion }}-{{ .ResourceKind }}.json')
    const args = ['-strict', '-schema-location', schema, '-skip', 'ExternalSecret', '-summary', '-output', 'json', ...files]
    return JSON.parse(spawnSync('kubeconform', args, { encoding: 'utf8', maxBuffer: 1 << 26 }).stdout) as Verdict
  }

  test.each(Object.keys(renderings))('finds nothing wrong with %s', (name) => {
    const { summary, resources } = conform([fileOf(name)])
    expect(resources.map(({ kind, name: object, msg }) => `${kind} ${object}: ${msg}`)).toEqual([])
    expect(summary).toMatchObject({ invalid: 0, errors: 0, skipped: name === 'an ExternalSecret' ? 1 : 0 })
    expect(summary.valid).toBeGreaterThan(20)
  })

  test.each([
    { mistake: 'a field that is none', from: 'enableServiceLinks: false', to: 'enableServicelinks: false', words: 'additional properties' },
    { mistake: 'a word for a number', from: 'containerPort: 8080', to: 'containerPort: http', words: 'got string, want integer' },
    { mistake: 'a version that is none', from: 'apiVersion: apps/v1\n', to: 'apiVersion: apps/v1beta1\n', words: 'could not find schema' },
  ])('would find $mistake', ({ from, to, words }) => {
    const file = join(folder, 'broken.yaml')
    writeFileSync(file, renderText().replace(from, to))
    expect(
      conform([file])
        .resources.map(({ msg }) => msg)
        .join(),
    ).toContain(words)
  })
})

describe.skipIf(!has('kube-score'))('kube-score', () => {
  /** What it finds critical and is as it should be. */
  const accepted: readonly { readonly check: string; readonly of?: RegExp; readonly reason: string }[] = [
    {
      check: 'container-image-pull-policy',
      reason: 'images have fixed tags or digests, and pods must start while a registry is away; image.pullPolicy is there for others',
    },
    {
      check: 'container-security-context-user-group-id',
      of: /-(postgresql|redis|clamav|object-storage)$/,
      reason: 'images of others have users of their own, to whom their files belong',
    },
    {
      check: 'container-security-context-readonlyrootfilesystem',
      of: /^profile dev\.yaml:/,
      reason: 'while developing, changed files are copied into running pods',
    },
    { check: 'pod-networkpolicy', of: /^no policies:/, reason: 'they were switched off' },
    { check: 'deployment-has-poddisruptionbudget', of: /^no policies:/, reason: 'they were switched off' },
  ]

  interface Scored {
    readonly object_name: string
    readonly checks: readonly { check: { id: string }; grade: number; skipped: boolean; comments: readonly { summary: string }[] | null }[]
  }
  const critical = 1

  function criticals(name: string, file = fileOf(name)): string[] {
    // A limit of CPU makes a process wait while the node has nothing to do; requests share it out well enough.
    const args = ['score', '--kubernetes-version', 'v1.34', '--ignore-container-cpu-limit', '--output-format', 'json', file]
    const { stdout } = spawnSync('kube-score', args, { encoding: 'utf8', maxBuffer: 1 << 28 })
    return (JSON.parse(stdout) as Scored[]).flatMap(({ object_name: object, checks }) =>
      checks
        .filter(({ grade, skipped }) => grade === critical && !skipped)
        .filter(({ check }) => !accepted.some(({ check: id, of = /./ }) => id === check.id && (of.test(object) || of.test(`${name}:`))))
        .map(({ check, comments }) => `${object}: ${check.id}: ${comments?.map(({ summary }) => summary).join(', ')}`),
    )
  }

  test.each(Object.keys(renderings))('finds nothing critical in %s', (name) => {
    expect(criticals(name)).toEqual([])
  })

  test('would find what is', () => {
    const file = join(folder, 'worse.yaml')
    writeFileSync(file, renderText().replaceAll('readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'))
    expect(criticals('', file).join('\n')).toContain('container-security-context-readonlyrootfilesystem')
  })

  test.each(accepted)('has a reason for $check', ({ reason }) => {
    expect(reason).not.toBe('')
  })
})

test('there is a schema for every kind that is rendered, but for ExternalSecret', () => {
  const known = new Set(schemas().kinds.map(({ group, version, kind }) => `${group ? `${group}/` : ''}${version} ${kind}`))
  const rendered = new Set(
    Object.keys(renderings).flatMap((name) =>
      [...readFileSync(fileOf(name), 'utf8').matchAll(/^apiVersion: (\S+)\nkind: (\S+)$/gm)].map(
        ([, version, kind]) => `${version} ${kind}`,
      ),
    ),
  )
  expect([...rendered].filter((kind) => !known.has(kind))).toEqual(['external-secrets.io/v1 ExternalSecret'])
})

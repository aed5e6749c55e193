import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { chart, type KubernetesObject, ofKind, type Pod, podsOf, refusal, render, renderText } from './chart.fixtures.ts'
import { managedMixes } from './stores.fixtures.ts'

const on = { backup: { enabled: true } }
const elsewhere = {
  backup: {
    enabled: true,
    destination: {
      bucket: 'my-backups',
      endpoint: 'https://s3.elsewhere.example:9000',
      region: 'eu-west-1',
      port: 9000,
      ca: { secret: 'elsewhere-ca' },
      existingSecret: { name: 'elsewhere' },
      cidrs: ['198.51.100.0/24'],
    },
  },
}
const latest = { restore: { from: 'latest' } }

function podOf(objects: readonly KubernetesObject[], component: string): Pod {
  const pod = podsOf(objects).find((found) => found.component === component)
  if (!pod) throw new Error(`there is no ${component}`)
  return pod
}

function variablesOf({ containers }: Pod, container: string): Record<string, string> {
  const own = containers.find(({ name }) => name === container)
  return Object.fromEntries((own?.env ?? []).map(({ name, value, valueFrom }) => [name, value ?? `from ${valueFrom?.secretKeyRef?.name}`]))
}

describe('without backups', () => {
  test('there is nothing of them', () => {
    expect(ofKind(render(), 'CronJob')).toEqual([])
    expect(renderText()).not.toMatch(/backup-step|BACKUP_POSTGRES_SCHEDULE/)
  })
})

describe.each(managedMixes.map(({ name, values, mix }) => [name, values, mix] as const))('managed: %s', (_, values, mix) => {
  const objects = render({ ...values, ...on, ...latest })

  test('backups and restores connect to where each store is', () => {
    const postgres = mix.includes('postgresql')
      ? 'postgres://db.example.com:6432/slipway'
      : 'postgres://shop-slipway-postgresql:5432/slipway'
    const s3 = mix.includes('objectStorage') ? 'https://s3.example.com:9443' : 'http://shop-slipway-object-storage:8333'
    for (const [component, container] of [
      ['backup-postgresql', 'prepare'],
      ['backup-postgresql', 'publish'],
      ['backup-object-storage', 'copy'],
      ['restore', 'verify'],
      ['restore', 'finish'],
    ] as const) {
      const variables = variablesOf(podOf(objects, component), container)
      expect(variables, component).toMatchObject({ DATABASE_URL: postgres, S3_ENDPOINT: s3 })
      expect(variables['DATABASE_TLS'], component).toBe(mix.includes('postgresql') ? 'verify-full' : undefined)
    }
  })

  test('what has an authority of its own has it mounted', () => {
    for (const component of ['backup-postgresql', 'backup-object-storage', 'restore']) {
      for (const { env = [], volumeMounts = [] } of podOf(objects, component).containers) {
        const files = env.filter(({ name }) => name.endsWith('_CA_FILE')).map(({ value = '' }) => value)
        for (const file of files)
          expect(
            volumeMounts.some(({ mountPath }) => file.startsWith(`${mountPath}/`)),
            file,
          ).toBe(true)
      }
    }
  })
})

describe('backups by the clock', () => {
  const objects = render(on)
  const jobs = ofKind(objects, 'CronJob')

  test('are of Postgres and of objects, one run at a time, and end some day', () => {
    expect(jobs.map(({ metadata }) => metadata.name)).toEqual(['shop-slipway-backup-object-storage', 'shop-slipway-backup-postgresql'])
    for (const { spec } of jobs) {
      expect(spec).toMatchObject({ concurrencyPolicy: 'Forbid', timeZone: 'Etc/UTC', suspend: false, startingDeadlineSeconds: 3600 })
      expect(spec.jobTemplate.spec).toMatchObject({ activeDeadlineSeconds: 21_600, backoffLimit: 2 })
      expect(spec.jobTemplate.spec.template.spec.restartPolicy).toBe('Never')
    }
  })

  test('dump by the programs of the very image that is the server', () => {
    const { containers } = podOf(objects, 'backup-postgresql')
    expect(containers.map(({ name, image, args, command }) => [name, image, (args ?? (command as string[])).slice(0, 3)])).toEqual([
      ['prepare', 'slipway/backend:0.1.0', ['slipway', 'backup-step', 'prepare']],
      ['dump', 'postgres:18-bookworm', ['bash', '/handover/dump.sh', '/handover']],
      ['publish', 'slipway/backend:0.1.0', ['slipway', 'backup-step', 'publish']],
    ])
  })

  test('give nobody a secret that is not needed, and the image of others none at all', () => {
    const postgres = podOf(objects, 'backup-postgresql')
    expect(postgres.containers.find(({ name }) => name === 'dump')?.env).toBeUndefined()
    const secrets = (pod: Pod, container: string) =>
      Object.entries(variablesOf(pod, container)).flatMap(([name, value]) => (value.startsWith('from ') ? [name] : []))
    expect(secrets(postgres, 'publish').toSorted()).toEqual([
      'DATABASE_BACKUP_PASSWORD',
      'REDIS_PASSWORD',
      'S3_ACCESS_KEY',
      'S3_SECRET_KEY',
    ])
    expect(secrets(podOf(objects, 'backup-object-storage'), 'copy').toSorted()).toEqual([
      'REDIS_PASSWORD',
      'S3_ACCESS_KEY',
      'S3_SECRET_KEY',
    ])
  })

  test('have room for the dump, and what holds a password is in memory', () => {
    const { spec, containers } = podOf(render({ backup: { enabled: true, postgresql: { scratch: '77Gi' } } }), 'backup-postgresql')
    expect(spec.volumes).toEqual(
      expect.arrayContaining([
        { name: 'scratch', emptyDir: { sizeLimit: '77Gi' } },
        { name: 'handover', emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } },
      ]),
    )
    for (const { resources } of containers) expect(resources?.limits).toMatchObject({ 'ephemeral-storage': '77Gi', memory: '768Mi' })
  })

  test('are looked after by the doctor', () => {
    expect(variablesOf(podOf(objects, 'doctor'), 'doctor')).toMatchObject({
      BACKUP_POSTGRES_SCHEDULE: '15 2 * * *',
      BACKUP_OBJECTS_SCHEDULE: '45 2 * * *',
    })
    expect(variablesOf(podOf(render(), 'doctor'), 'doctor')).not.toHaveProperty('BACKUP_POSTGRES_SCHEDULE')
  })
})

test('where Postgres takes tokens, nobody who dumps or restores has a password for it', () => {
  const connection = { host: 'db.example.com', auth: 'aws-iam', region: 'eu-west-1', ca: { secret: 'db-ca' } }
  const keyless = render({ ...on, ...latest, postgresql: { managed: true, connection } })
  for (const [component, container] of [
    ['backup-postgresql', 'prepare'],
    ['backup-postgresql', 'publish'],
    ['restore', 'verify'],
    ['restore', 'finish'],
  ] as const) {
    const variables = variablesOf(podOf(keyless, component), container)
    expect(variables, component).toMatchObject({ DATABASE_AUTH: 'aws-iam', DATABASE_REGION: 'eu-west-1' })
    expect(
      Object.keys(variables).filter((name) => /DATABASE_.*PASSWORD|_DB_/.test(name)),
      component,
    ).toEqual([])
  }
})

describe('a place elsewhere', () => {
  const objects = render({ ...elsewhere, ...latest })
  const users = [
    ['backup-postgresql', 'publish'],
    ['backup-object-storage', 'copy'],
    ['restore', 'verify'],
    ['restore', 'finish'],
    ['doctor', 'doctor'],
  ] as const

  test.each(users)('is known to %s %s with its keys and its authority', (component, container) => {
    const pod = podOf(objects, component)
    expect(variablesOf(pod, container)).toMatchObject({
      BACKUP_S3_BUCKET: 'my-backups',
      BACKUP_S3_ENDPOINT: 'https://s3.elsewhere.example:9000',
      BACKUP_S3_REGION: 'eu-west-1',
      BACKUP_S3_ACCESS_KEY: 'from elsewhere',
      BACKUP_S3_SECRET_KEY: 'from elsewhere',
      BACKUP_S3_CA_FILE: '/etc/slipway/ca/backup/ca.crt',
    })
    const mounts = pod.containers.find(({ name }) => name === container)?.volumeMounts
    expect(mounts).toContainEqual({ name: 'ca-backup', mountPath: '/etc/slipway/ca/backup', readOnly: true })
    expect(pod.spec.volumes).toContainEqual({ name: 'ca-backup', secret: { secretName: 'elsewhere-ca', defaultMode: expect.any(Number) } })
  })

  test('is reached by them alone', () => {
    const policy = ofKind(objects, 'NetworkPolicy').find(({ metadata }) => metadata.name === 'shop-slipway-to-backups')
    expect(policy?.spec.egress).toEqual([{ to: [{ ipBlock: { cidr: '198.51.100.0/24' } }], ports: [{ port: 9000, protocol: 'TCP' }] }])
    const selected = podsOf(objects)
      .filter(({ metadata }) => metadata.labels['slipway.dev/uses-backups'] === 'true')
      .map(({ component }) => component)
    expect(new Set(selected)).toEqual(new Set(users.map(([component]) => component)))
    expect(ofKind(render(on), 'NetworkPolicy').map(({ metadata }) => metadata.name)).not.toContain('shop-slipway-to-backups')
  })

  test('may know the pods by their identity', () => {
    const variables = variablesOf(
      podOf(render({ backup: { enabled: true, destination: { bucket: 'b-1', auth: 'identity' } } }), 'doctor'),
      'doctor',
    )
    expect(variables['BACKUP_S3_BUCKET']).toBe('b-1')
    expect(variables).not.toHaveProperty('BACKUP_S3_ACCESS_KEY')
  })
})

describe('a restore', () => {
  const scaled = { services: { files: { api: { autoscaling: { enabled: true } }, worker: { autoscaling: { enabled: true } } } } }
  const objects = render({ ...on, ...latest, ...scaled, keda: { enabled: true }, frontend: { autoscaling: { enabled: true } } })

  test('has no service at work: no replicas, no autoscaler, no backup', () => {
    for (const { metadata, spec } of ofKind(objects, 'Deployment')) {
      if (/-(api|worker)$/.test(metadata.name)) expect(spec.replicas, metadata.name).toBe(0)
    }
    expect(ofKind(objects, 'HorizontalPodAutoscaler').map(({ metadata }) => metadata.name)).toEqual(['shop-slipway-frontend'])
    for (const { metadata } of ofKind(objects, 'ScaledObject'))
      expect(metadata.annotations).toEqual({ 'autoscaling.keda.sh/paused-replicas': '0' })
    for (const { spec } of ofKind(objects, 'CronJob')) expect(spec.suspend).toBe(true)
  })

  test('is over when it is not asked for any more', () => {
    const after = render({ ...on, ...scaled, keda: { enabled: true } })
    expect(podsOf(after).map(({ component }) => component)).not.toContain('restore')
    const replicas = Object.fromEntries(ofKind(after, 'Deployment').map(({ metadata, spec }) => [metadata.name, spec.replicas]))
    expect(replicas).toMatchObject({ 'shop-slipway-identity-api': 2, 'shop-slipway-identity-worker': 1 })
    expect(replicas['shop-slipway-files-api']).toBeUndefined()
    for (const { metadata } of ofKind(after, 'ScaledObject')) expect(metadata.annotations).toBeUndefined()
  })

  test('reads everything before the programs of Postgres replace anything', () => {
    const { containers } = podOf(objects, 'restore')
    expect(containers.map(({ name, image }) => [name, image])).toEqual([
      ['verify', 'slipway/backend:0.1.0'],
      ['postgresql', 'postgres:18-bookworm'],
      ['finish', 'slipway/backend:0.1.0'],
    ])
    expect(containers[0]?.args).toEqual(expect.arrayContaining(['--from', 'latest', '--wait', '600']))
    expect(containers[1]?.env).toBeUndefined()
  })

  test('may be of objects alone: then Postgres is left as it is', () => {
    const { containers } = podOf(render({ restore: { from: '20261121T021500Z', only: 'objects' } }), 'restore')
    expect(containers.map(({ name }) => name)).toEqual(['verify', 'finish'])
    expect(containers[0]?.args).toEqual(expect.arrayContaining(['--from', '20261121T021500Z', '--only', 'objects']))
  })

  test('is not run again because something else of the release was changed', () => {
    const nameOf = (values: object) =>
      ofKind(render(values), 'Job')
        .map(({ metadata }) => metadata.name)
        .find((name) => name.includes('-restore-'))
    expect(nameOf({ ...latest, logLevel: 'debug' })).toBe(nameOf(latest))
    expect(nameOf({ restore: { from: '20261121T021500Z' } })).not.toBe(nameOf(latest))
  })

  test('is told in the notes', () => {
    const notes = readFileSync(`${chart}/templates/NOTES.txt`, 'utf8')
    expect(notes).toContain('RESTORING from {{ .Values.restore.from }}')
  })
})

describe('values that do not fit together', () => {
  test.each([
    ['a schedule that is none', { backup: { postgresql: { schedule: 'daily' } } }, 'does not match pattern'],
    ['a run of more than a day', { backup: { deadlineSeconds: 90_000 } }, 'maximum: got 90,000, want 86,400'],
    ['no backup at all to keep', { backup: { retention: { keepAtLeast: 0 } } }, 'minimum: got 0, want 1'],
    ['a backup that is none', { restore: { from: 'yesterday' } }, 'does not match pattern'],
    ['a kind that is none', { restore: { from: 'latest', only: 'redis' } }, "value must be one of '', 'postgres', 'objects'"],
    ['a kind of nothing', { restore: { only: 'postgres' } }, 'restore.only is "postgres" although restore.from is empty'],
    [
      'an endpoint without a bucket',
      { backup: { destination: { endpoint: 'https://s' } } },
      'backup.destination.endpoint is "https://s" although backup.destination.bucket is empty',
    ],
    ['a bucket without keys', { backup: { destination: { bucket: 'b-1' } } }, 'backup.destination.existingSecret.name is empty'],
    [
      'keys and identity',
      { backup: { destination: { bucket: 'b-1', auth: 'identity', existingSecret: { name: 'k' } } } },
      'backup.destination.existingSecret.name is "k" although auth is identity',
    ],
    [
      'an authority without TLS',
      { backup: { destination: { bucket: 'b-1', auth: 'identity', endpoint: 'http://s', ca: { secret: 'c' } } } },
      'backup.destination.ca.secret is "c" although backup.destination.endpoint is "http://s"',
    ],
  ])('%s', (_, values, words) => {
    expect(refusal({ ...values })).toContain(words)
  })
})

test('profiles of installations that matter make backups', () => {
  for (const name of ['production', 'restaurant-3d', 'file-storage']) {
    const values = parse(readFileSync(`${chart}/profiles/${name}.yaml`, 'utf8')) as { backup?: { enabled?: boolean } }
    expect(values.backup?.enabled, name).toBe(true)
  }
})

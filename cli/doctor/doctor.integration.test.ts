import { type AddressInfo, createServer } from 'node:net'
import { testDatabase, testScanner } from '@slipway/testing'
import { expect, test } from 'vitest'
import { services } from '../services.ts'
import { migrateAll } from '../stack/schema.ts'
import type { Target } from '../target.ts'
import type { Finding } from './checks.ts'
import { environmentFacts } from './facts.ts'
import { runChecks } from './run-checks.ts'
import { storeChecks } from './stores.ts'

/** An installation of which nothing can be reached. */
const nowhere: Target = {
  name: 'nowhere',
  database: { adminUrl: 'postgres://postgres:pw@127.0.0.1:1/slipway' },
  redis: { url: 'redis://127.0.0.1:1', caFile: null, keyPrefix: 'x' },
  storage: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', accessKey: 'a', secretKey: 's', pathStyle: true, bucketPrefix: 'x-' },
  scanner: { host: '127.0.0.1', port: 1 },
  passwords: () => ({ owner: 'test-owner', runtime: 'test-runtime', system: 'test-system' }),
  backupPassword: undefined,
  backups: {
    vault: { region: 'us-east-1', pathStyle: true, bucket: 'x-backups' },
    createBucket: true,
    keepDays: 1,
    keepAtLeast: 1,
    schedules: { postgres: null, objects: null },
  },
}

function findingsOf(change: Partial<Target>): Promise<Finding[]> {
  const facts = environmentFacts({}, services)
  return runChecks(storeChecks({ target: { ...nowhere, ...change }, manifests: services, facts, installation: 'environment' }))
}

test('stores that do not answer are told one by one, and nothing that builds on them', async () => {
  const findings = await findingsOf({})
  expect(findings.map(({ name, fault }) => [name, fault])).toEqual([
    ['postgres', 'postgres.unreachable'],
    ['redis', 'redis.unreachable'],
    ['storage', 'storage.unreachable'],
    ['clamd', 'clamd.unreachable'],
  ])
  expect(findings.every(({ what, why, fix }) => what && why && fix)).toBe(true)
})

test('schemas are missing before the migrations, and well after them', async () => {
  await using database = await testDatabase()
  const target = { ...nowhere, database: { adminUrl: database.adminUrl } }
  const schemas = async () => {
    const findings = await findingsOf(target)
    return findings.filter(({ name }) => /^(schema|tables|tenants) /.test(name)).map(({ name, fault }) => [name, fault])
  }
  expect(await schemas()).toEqual(services.map(({ name }) => [`schema ${name}`, 'schema.missing']))
  expect((await migrateAll(services, target)).applied.length).toBeGreaterThan(0)
  expect(await schemas()).toEqual(
    services.flatMap(({ name }) => ['schema', 'tables', 'tenants'].map((subject) => [`${subject} ${name}`, null])),
  )
})

test('a scanner with test signatures only is well nowhere, and a failure where they are not allowed', async () => {
  const findings = await findingsOf({ scanner: testScanner() })
  expect(findings.find(({ name }) => name === 'signatures')).toMatchObject({ level: 'fail', fault: 'clamd.signatures' })
  expect(findings.find(({ name }) => name === 'scan')).toMatchObject({ level: 'ok', what: 'the EICAR test file is found' })
})

test('a scanner that finds nothing is a failure', async () => {
  const blind = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      const said = bytes.toString('latin1')
      if (said.includes('VERSION')) socket.end('ClamAV 1.4.3/27000/Sat Nov 21 08:00:00 2026\0')
      else if (said.endsWith('\0\0\0\0')) socket.end('stream: OK\0')
    })
    socket.on('end', () => socket.end())
  })
  await new Promise<void>((resolve) => blind.listen(0, '127.0.0.1', resolve))
  const { port } = blind.address() as AddressInfo
  const findings = await findingsOf({ scanner: { host: '127.0.0.1', port } })
  expect(findings.find(({ name }) => name === 'scan')).toMatchObject({ fault: 'clamd.blind', what: 'clamd says stream: OK' })
  await new Promise((resolve) => blind.close(resolve))
})

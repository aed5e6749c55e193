import { freePort } from '@slipway/stack'
import { describe, expect, test } from 'vitest'
import { fakeCluster } from '../cluster/cluster.fixtures.ts'
import { secretsApi, secretsOfThisNamespace } from '../cluster/kubernetes.ts'
import { completeSecret, wantedSecrets } from './cluster-secrets.ts'

const wanted = { services: ['identity', 'files'] }
const encoded = (value: string) => Buffer.from(value).toString('base64')

describe('the Secret of an installation', () => {
  test('is made when there is none', async () => {
    await using cluster = await fakeCluster()
    const added = await completeSecret(cluster.api, 'shop', wanted)
    expect(added).toContain('REDIS_PASSWORD')
    expect(cluster.asked).toEqual(['GET shop', 'POST shop application/json'])
    expect(cluster.secrets.get('shop')?.metadata.labels).toEqual({ 'app.kubernetes.io/part-of': 'slipway' })
    expect(cluster.value('shop', 'REDIS_PASSWORD')).toMatch(/^[\w-]{43}$/)
  })

  test('stays as it is the next time', async () => {
    await using cluster = await fakeCluster()
    await completeSecret(cluster.api, 'shop', wanted)
    const before = structuredClone(cluster.secrets.get('shop'))
    expect(await completeSecret(cluster.api, 'shop', wanted)).toEqual([])
    expect(cluster.secrets.get('shop')).toEqual(before)
    expect(cluster.asked.at(-1)).toBe('GET shop')
  })

  test('keeps what people have put there', async () => {
    await using cluster = await fakeCluster()
    const data = { SMTP_URL: encoded('smtp://mail'), REDIS_PASSWORD: encoded('chosen by hand') }
    cluster.secrets.set('shop', { metadata: { name: 'shop', resourceVersion: '7' }, data })
    const added = await completeSecret(cluster.api, 'shop', wanted)
    expect(added).not.toContain('REDIS_PASSWORD')
    expect(cluster.value('shop', 'REDIS_PASSWORD')).toBe('chosen by hand')
    expect(cluster.value('shop', 'SMTP_URL')).toBe('smtp://mail')
    expect(cluster.asked).toEqual(['GET shop', 'PATCH shop application/merge-patch+json'])
  })

  test('has nothing made up that only the owner of a store knows', async () => {
    await using cluster = await fakeCluster()
    const without = ['DATABASE_ADMIN_PASSWORD', 'S3_ACCESS_KEY', 'S3_SECRET_KEY']
    const added = await completeSecret(cluster.api, 'shop', { ...wanted, without })
    for (const key of without) expect(added).not.toContain(key)
    expect(added).toEqual(expect.arrayContaining(['REDIS_PASSWORD', 'FILES_DB_RUNTIME_PASSWORD']))
    expect(await completeSecret(cluster.api, 'shop', { ...wanted, without })).toEqual([])
  })

  test('of two who make it at a time, one makes it and both agree', async () => {
    await using cluster = await fakeCluster()
    await Promise.all([completeSecret(cluster.api, 'shop', wanted), completeSecret(cluster.api, 'shop', wanted)])
    expect(cluster.asked.filter((line) => line.startsWith('PATCH'))).toEqual([])
    expect(await completeSecret(cluster.api, 'shop', wanted)).toEqual([])
  })

  test('is read again when somebody changes it meanwhile', async () => {
    await using cluster = await fakeCluster()
    cluster.secrets.set('shop', { metadata: { name: 'shop', resourceVersion: '7' }, data: {} })
    cluster.meanwhile = () =>
      cluster.secrets.set('shop', { metadata: { name: 'shop', resourceVersion: '8' }, data: { REDIS_PASSWORD: encoded('theirs') } })
    expect(await completeSecret(cluster.api, 'shop', wanted)).not.toContain('REDIS_PASSWORD')
    expect(cluster.value('shop', 'REDIS_PASSWORD')).toBe('theirs')
  })

  test('that cannot be reached says where it was looked for, and what to open', async () => {
    const api = secretsApi({ url: `http://127.0.0.1:${await freePort()}/secrets`, token: 'any' })
    await expect(completeSecret(api, 'shop', wanted)).rejects.toMatchObject({
      message: expect.stringMatching(/^the API server of Kubernetes at 127\.0\.0\.1:\d+ does not answer$/),
      fix: expect.stringContaining('networkPolicies.kubernetesApi'),
    })
  })

  test('whose API refuses is told with what it said, and nothing is lost', async () => {
    await using cluster = await fakeCluster()
    cluster.failing = 403
    await expect(completeSecret(cluster.api, 'shop', wanted)).rejects.toThrow(/GET \/shop: 403 .*no/)
    expect(cluster.secrets.size).toBe(0)
  })
})

describe('keys that are left out', () => {
  test('are named in one word', () => {
    expect(wantedSecrets('REDIS_PASSWORD,S3_ACCESS_KEY').without).toEqual(['REDIS_PASSWORD', 'S3_ACCESS_KEY'])
    expect(wantedSecrets('FILES_DB_SYSTEM_PASSWORD').without).toEqual(['FILES_DB_SYSTEM_PASSWORD'])
    expect(wantedSecrets(undefined).without).toEqual([])
    expect(wantedSecrets('').without).toEqual([])
  })

  test('are refused when nobody would make them', () => {
    const misspelt = expect.objectContaining({ exitCode: 2, fix: expect.stringContaining('did you mean "REDIS_PASSWORD"') })
    expect(() => wantedSecrets('S3_ACCESS_KEY,REDIS_PASSWORT')).toThrow(misspelt)
    // Processes know each other by it: without it nothing works.
    expect(() => wantedSecrets('FILES_CREDENTIAL')).toThrow('unknown key "FILES_CREDENTIAL"')
  })
})

test('outside of a cluster it says so', () => {
  expect(() => secretsOfThisNamespace({})).toThrow('this is no pod')
})

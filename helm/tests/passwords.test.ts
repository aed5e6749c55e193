import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { processEnvironment } from '@slipway/config'
import { connect } from '@slipway/db'
import { ensureBinaries, freePorts, removeHome, startPostgres } from '@slipway/stack'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { environmentFacts } from '../../cli/doctor/facts.ts'
import { runChecks } from '../../cli/doctor/run-checks.ts'
import { storeChecks } from '../../cli/doctor/stores.ts'
import { services } from '../../cli/services.ts'
import { ensureAllBuckets } from '../../cli/stack/schema.ts'
import { environmentTarget } from '../../cli/target.ts'
import { podsOf, render } from './chart.fixtures.ts'

/**
 * The bundled stores as their containers start them, with the real programs, and the doctor as whoever has the same Secret: what people
 * choose for a password has to come through the shell, the configuration and the URL on the other side.
 */
const difficult = `"'\\$HOME \`id\` $(id) %20%/@:?#&+=!*~{}[]|<>;,^ é€`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-passwords-'))
  for (const name of ['bin', 'tmp', 'data']) mkdirSync(join(folder, name))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A program under the name that the image has for it, on ports of its own. */
function program(name: string, command: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 })
}

const environmentWith = (secrets: Record<string, string>) => ({
  ...secrets,
  HOME: folder,
  PATH: [join(folder, 'bin'), processEnvironment()['PATH']].join(delimiter),
})

/** What the container of a bundled store runs, in a folder instead of on its volumes. */
function container(component: string) {
  const found = podsOf(render()).find((pod) => pod.component === component)?.main
  const script = (found?.args?.[0] ?? '').replaceAll('/tmp/', `${folder}/tmp/`).replaceAll('/data', `${folder}/data`)
  return { script, probe: (found?.['readinessProbe'] as { exec?: { command: string[] } })?.exec?.command[2] ?? '' }
}

interface Running extends AsyncDisposable {
  readonly process: ChildProcessByStdio<null, null, Readable>
}

function start(script: string, secrets: Record<string, string>): Running {
  const child = spawn('sh', ['-c', script], { cwd: folder, env: environmentWith(secrets), stdio: ['ignore', 'ignore', 'pipe'] })
  return {
    process: child,
    async [Symbol.asyncDispose]() {
      child.stderr.resume()
      if (child.exitCode !== null || child.signalCode !== null) return
      // What they hold is thrown away.
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function refusalOf(script: string, secrets: Record<string, string>): Promise<string> {
  await using running = start(script, secrets)
  const { process: child } = running
  const [words] = await Promise.all([text(child.stderr), once(child, 'exit')])
  expect(child.exitCode).not.toBe(0)
  return words
}

function targetOf(environment: Record<string, string>) {
  const all = { DATABASE_URL: 'postgres://127.0.0.1:1/none', REDIS_URL: 'redis://127.0.0.1:1', S3_ENDPOINT: 'http://127.0.0.1:1' }
  const passwords = services.flatMap(({ name: service }) =>
    ['RUNTIME', 'SYSTEM'].map((role) => [`${service.toUpperCase()}_DB_${role}_PASSWORD`, 'unused']),
  )
  return environmentTarget({
    ...all,
    S3_ACCESS_KEY: 'unused',
    S3_SECRET_KEY: 'unused',
    ...Object.fromEntries(passwords),
    ...environment,
  })
}

/** What the doctor finds about one store. */
async function finding(name: string, environment: Record<string, string>) {
  const target = targetOf(environment)
  const [finding] = await runChecks(
    storeChecks({ target, manifests: services, facts: environmentFacts({}, services), installation: 'chart' })
      .filter((check) => check.name === name)
      .map(({ next: _later, ...check }) => check),
  )
  return finding
}

describe('the bundled Valkey', () => {
  async function prepared(): Promise<number> {
    const { redis } = await ensureBinaries()
    const [port = 0] = await freePorts(1)
    program('valkey-server', `${redis} "$@" --port ${port}`)
    program('valkey-cli', `${join(dirname(redis), 'redis-cli')} -p ${port} "$@"`)
    return port
  }

  test('takes a password of any characters, and its probe and its clients give the same', async () => {
    const port = await prepared()
    const { script, probe } = container('redis')
    await using _ = start(script, { REDIS_PASSWORD: difficult })
    await vi.waitFor(() => answers(probe, difficult), 20_000)
    const REDIS_URL = `redis://127.0.0.1:${port}`
    expect(await finding('redis', { REDIS_URL, REDIS_PASSWORD: difficult })).toMatchObject({ level: 'ok' })
    expect(await finding('redis', { REDIS_URL, REDIS_PASSWORD: 'another' })).toMatchObject({ fault: 'redis.password' })
    expect(await finding('redis', { REDIS_URL })).toMatchObject({ fault: 'redis.password' })
  })

  test('does not start without one, which would let everybody in', async () => {
    await prepared()
    expect(await refusalOf(container('redis').script, { REDIS_PASSWORD: '' })).toContain('REDIS_PASSWORD: is empty in its Secret')
  })

  async function answers(probe: string, password: string): Promise<void> {
    await using running = start(probe, { REDIS_PASSWORD: password })
    if (running.process.exitCode === null) await once(running.process, 'exit')
    if (running.process.exitCode !== 0) throw new Error('not ready')
  }
})

describe('the bundled SeaweedFS', () => {
  const secrets = { S3_ACCESS_KEY: 'shop.files-2_A', S3_SECRET_KEY: difficult }

  async function prepared(): Promise<string> {
    const { weed } = await ensureBinaries()
    const names = [
      'master.port',
      'master.port.grpc',
      'volume.port',
      'volume.port.grpc',
      'filer.port',
      'filer.port.grpc',
      's3.port.grpc',
      's3.port',
    ]
    const ports = await freePorts(names.length)
    program('weed', `${weed} "$@" ${names.map((name, index) => `-${name}=${ports[index]}`).join(' ')}`)
    return `http://127.0.0.1:${ports.at(-1)}`
  }

  test('takes a secret key of any characters', async () => {
    const endpoint = await prepared()
    await using _ = start(container('object-storage').script, { ...secrets, WEED_MASTER_VOLUME_GROWTH_COPY_1: '1' })
    const environment = { ...secrets, S3_ENDPOINT: endpoint }
    await vi.waitFor(() => ensureAllBuckets(services, targetOf(environment)), { timeout: 40_000, interval: 200 })
    expect(await finding('storage', environment)).toMatchObject({ level: 'ok' })
    expect(await finding('storage', { ...environment, S3_SECRET_KEY: 'another' })).toMatchObject({ fault: 'storage.keys' })
  })

  test.each([
    ['S3_ACCESS_KEY', 'a/b'],
    ['S3_ACCESS_KEY', ''],
    ['S3_ACCESS_KEY', 'a"b'],
    ['S3_SECRET_KEY', 'with a line break\n'],
    ['S3_SECRET_KEY', ''],
  ])('refuses a %s that cannot work: %j', async (name, value) => {
    await prepared()
    const words = await refusalOf(container('object-storage').script, { ...secrets, [name]: value })
    expect(words).toMatch(new RegExp(`^${name} .*: set another one in its Secret\\n$`))
  })
})

test('Postgres knows its admin by a password of any characters', async () => {
  const home = join(folder, 'postgres')
  const part = await startPostgres({ home, durable: false })
  try {
    await using admin = connect({ url: part.adminUrl })
    await admin.pool.query(`create role chosen login superuser password '${difficult.replaceAll("'", "''")}'`)
    const { host, pathname } = new URL(part.adminUrl)
    const environment = { DATABASE_URL: `postgres://${host}${pathname}`, DATABASE_ADMIN_USER: 'chosen' }
    expect(await finding('postgres', { ...environment, DATABASE_ADMIN_PASSWORD: difficult })).toMatchObject({ level: 'ok' })
    expect(await finding('postgres', { ...environment, DATABASE_ADMIN_PASSWORD: 'another' })).toMatchObject({ fault: 'postgres.password' })
  } finally {
    await part.stop()
    await removeHome(home)
  }
})

test('KEDA gets the password as it is, not in a URL', () => {
  const [authentication] = render({ keda: { enabled: true } }).filter(({ kind }) => kind === 'TriggerAuthentication')
  expect(authentication?.spec.secretTargetRef).toEqual([{ parameter: 'password', name: 'shop-slipway-secrets', key: 'REDIS_PASSWORD' }])
})

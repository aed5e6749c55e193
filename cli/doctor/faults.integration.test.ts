import { connect } from '@slipway/db'
import { freePort } from '@slipway/stack'
import { testStores } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FaultId } from './faults.ts'
import {
  askDoctor,
  fullDisk,
  type Installation,
  startClamdLike,
  startFullRedis,
  startGateway,
  startInstallation,
  startRegional,
  startSilence,
  startSite,
  startWithoutUploadLists,
  timeShift,
  type Variables,
} from './installation.fixtures.ts'

let on: Installation
beforeAll(async () => {
  on = await startInstallation()
}, 180_000)
afterAll(() => on[Symbol.asyncDispose]())

interface Injection {
  readonly fault: FaultId
  /** How the fault comes about. */
  readonly by: string
  /** Breaks something, for as long as `broken` lasts; gives variables where the fault lies in them. */
  readonly inject: (broken: AsyncDisposableStack) => Promise<Variables | undefined> | Variables
  readonly fix: RegExp
  /** What has to follow from it. */
  readonly also?: readonly FaultId[]
}

const elsewhere = async (name: string, by = 'http') => ({ [name]: `${by}://127.0.0.1:${await freePort()}` })

/** A statement for as long as the fault lasts, and the one that takes it back. */
const sql = (statement: string, back: string) => async (broken: AsyncDisposableStack) => {
  await on.sql(statement)
  broken.defer(async () => void (await on.sql(back)))
  return undefined
}

const setting = (name: string, value: string, back: string) => async (broken: AsyncDisposableStack) => {
  await on.redis.config('SET', name, value)
  broken.defer(async () => void (await on.redis.config('SET', name, back)))
  return undefined
}

const clamd = (changes: Parameters<typeof startClamdLike>[1]) => async (broken: AsyncDisposableStack) => ({
  CLAMAV_PORT: String(broken.use(await startClamdLike(on.clamdHome, changes)).port),
})

const mebibyte = 1_048_576
const day = 86_400_000

const injections: readonly Injection[] = [
  {
    fault: 'configuration.invalid',
    by: 'a word where a number belongs',
    inject: () => ({ CLAMAV_PORT: 'clamd' }),
    fix: /docs\/configuration\.md/,
  },
  {
    fault: 'postgres.password',
    by: 'another password of the admin',
    inject: () => ({ DATABASE_ADMIN_PASSWORD: 'wrong-password' }),
    fix: /DATABASE_ADMIN_PASSWORD/,
  },
  {
    fault: 'postgres.unreachable',
    by: 'a port that nobody listens on',
    inject: async () => ({ DATABASE_URL: `postgres://127.0.0.1:${await freePort()}/slipway` }),
    fix: /DATABASE_URL/,
  },
  {
    fault: 'postgres.unreachable',
    by: 'a server that takes connections and says nothing',
    inject: async (broken) => ({ DATABASE_URL: `postgres://127.0.0.1:${broken.use(await startSilence()).port}/slipway` }),
    fix: /DATABASE_URL/,
  },
  {
    fault: 'postgres.certificate',
    by: 'another authority',
    inject: () => ({ DATABASE_CA_FILE: on.certificates.otherCa }),
    fix: /DATABASE_CA_FILE/,
  },
  {
    fault: 'postgres.certificate',
    by: 'a file that is not there',
    inject: () => ({ DATABASE_CA_FILE: '/nowhere/ca.crt' }),
    fix: /DATABASE_CA_FILE/,
  },
  {
    fault: 'postgres.tls',
    by: 'a server without TLS',
    inject: () => {
      const { port, password } = new URL(testStores().postgres.adminUrl)
      return { DATABASE_URL: `postgres://127.0.0.1:${port}/slipway`, DATABASE_ADMIN_PASSWORD: decodeURIComponent(password) }
    },
    fix: /DATABASE_TLS/,
  },
  {
    fault: 'postgres.database',
    by: 'a name that no database has',
    inject: () => ({ DATABASE_URL: `postgres://127.0.0.1:${on.postgres.port}/absent` }),
    fix: /createdb.*DATABASE_URL/,
  },
  {
    fault: 'postgres.clock',
    by: 'two minutes between the clocks',
    inject: () => timeShift(120),
    fix: /NTP.*Postgres/,
    also: ['redis.clock', 'storage.clock'],
  },
  {
    fault: 'redis.clock',
    by: 'a clock that is two minutes behind',
    inject: () => timeShift(-120),
    fix: /NTP.*Redis/,
    also: ['postgres.clock', 'storage.clock'],
  },
  {
    fault: 'storage.clock',
    by: 'a clock that is an hour behind, which S3 does not accept',
    inject: () => timeShift(-3600),
    fix: /NTP.*object storage/,
    also: ['postgres.clock', 'redis.clock'],
  },
  {
    fault: 'schema.missing',
    by: 'an empty database',
    inject: async (broken) => {
      await on.sql('create database emptiness')
      broken.defer(async () => void (await on.sql('drop database emptiness with (force)')))
      return { DATABASE_URL: `postgres://127.0.0.1:${on.postgres.port}/emptiness`, REDIS_KEY_PREFIX: 'emptiness' }
    },
    fix: /slipway migrate/,
  },
  {
    fault: 'schema.behind',
    by: 'a migration that was not applied',
    inject: async (broken) => {
      const [row] = await on.sql(`delete from files.schema_migrations where file = '0005_versions.sql' returning source, file, sha256`)
      const values = [row?.['source'], row?.['file'], row?.['sha256']]
      const back = 'insert into files.schema_migrations (source, file, sha256) values ($1, $2, $3)'
      broken.defer(async () => void (await on.sql(back, values)))
      return undefined
    },
    fix: /slipway migrate/,
  },
  {
    fault: 'schema.changed',
    by: 'a migration that was changed after it had been applied',
    inject: sql(
      `update files.schema_migrations set sha256 = 'x' || sha256 where file = '0002_trace_id.sql'`,
      `update files.schema_migrations set sha256 = substr(sha256, 2) where file = '0002_trace_id.sql'`,
    ),
    fix: /restore a backup/,
  },
  {
    fault: 'schema.table',
    by: 'the quota table missing',
    inject: sql('alter table files.usage rename to usage_away', 'alter table files.usage_away rename to usage'),
    fix: /slipway restore/,
  },
  {
    fault: 'tenants.open',
    by: 'row level security that is not forced',
    inject: sql('alter table files.files no force row level security', 'alter table files.files force row level security'),
    fix: /alter table files\.files enable row level security, force row level security/,
  },
  {
    fault: 'role.superuser',
    by: 'a runtime role that is superuser',
    inject: sql('alter role slipway_files_runtime superuser', 'alter role slipway_files_runtime nosuperuser'),
    fix: /alter role slipway_files_runtime nosuperuser/,
  },
  {
    fault: 'role.owner',
    by: 'a runtime role that is a member of the owner',
    inject: sql('grant slipway_files_owner to slipway_files_runtime', 'revoke slipway_files_owner from slipway_files_runtime'),
    fix: /revoke slipway_files_owner from slipway_files_runtime/,
  },
  {
    fault: 'role.owner',
    by: 'a runtime role that owns a table',
    inject: sql('alter table menu.dishes owner to slipway_menu_runtime', 'alter table menu.dishes owner to slipway_menu_owner'),
    fix: /alter table menu\.dishes owner to slipway_menu_owner/,
  },
  {
    fault: 'role.owner',
    by: 'a process that is signed in as owner',
    inject: async (broken) => {
      await sql(`alter role slipway_files_owner login password 'owner'`, 'alter role slipway_files_owner nologin password null')(broken)
      const role = { user: 'slipway_files_owner', password: 'owner' }
      const process = broken.use(connect({ url: on.postgres.adminUrl, role, name: 'slipway files runtime', poolSize: 1 }))
      await process.pool.query('select 1')
      return undefined
    },
    fix: /sign in as their own roles/,
  },
  {
    fault: 'role.missing',
    by: 'a role that somebody dropped',
    inject: sql('alter role slipway_menu_system rename to gone', 'alter role gone rename to slipway_menu_system'),
    fix: /slipway migrate/,
    also: ['role.password', 'tenants.open'],
  },
  {
    fault: 'role.password',
    by: 'another password of a runtime role',
    inject: () => ({ MENU_DB_RUNTIME_PASSWORD: 'wrong-password' }),
    fix: /slipway migrate.*MENU_DB_RUNTIME_PASSWORD/,
  },
  {
    fault: 'backup.role',
    by: 'a role of backups that may not sign in',
    inject: sql('alter role slipway_backup nologin', 'alter role slipway_backup login'),
    fix: /DATABASE_BACKUP_PASSWORD.*slipway migrate/,
  },
  {
    fault: 'backup.late',
    by: 'a schedule by which no backup was ever made',
    inject: () => ({ BACKUP_POSTGRES_SCHEDULE: '15 2 * * *' }),
    fix: /slipway backup postgres/,
  },
  {
    fault: 'redis.password',
    by: 'another password',
    inject: () => ({ REDIS_PASSWORD: 'wrong-password' }),
    fix: /REDIS_PASSWORD/,
  },
  { fault: 'redis.unreachable', by: 'a port that nobody listens on', inject: () => elsewhere('REDIS_URL', 'redis'), fix: /REDIS_URL/ },
  {
    fault: 'redis.unreachable',
    by: 'a server that takes connections and says nothing',
    inject: async (broken) => ({ REDIS_URL: `redis://127.0.0.1:${broken.use(await startSilence()).port}` }),
    fix: /REDIS_URL/,
  },
  {
    fault: 'redis.certificate',
    by: 'another authority',
    inject: () => ({ REDIS_URL: `rediss://127.0.0.1:${on.redisTlsPort}`, REDIS_CA_FILE: on.certificates.otherCa }),
    fix: /REDIS_CA_FILE/,
  },
  {
    fault: 'redis.tls',
    by: 'TLS with a server that has none',
    inject: () => ({ REDIS_URL: `rediss://127.0.0.1:${on.redisPort}`, REDIS_CA_FILE: on.certificates.ca }),
    fix: /REDIS_URL.*redis:\/\//,
  },
  {
    fault: 'redis.tls',
    by: 'no TLS with a server that has nothing else',
    inject: () => ({ REDIS_URL: `redis://127.0.0.1:${on.redisTlsPort}` }),
    fix: /REDIS_URL.*rediss:\/\//,
  },
  {
    fault: 'redis.eviction',
    by: 'an evicting policy',
    inject: setting('maxmemory-policy', 'allkeys-lru', 'noeviction'),
    fix: /config set maxmemory-policy noeviction/,
  },
  { fault: 'redis.append-only', by: 'no AOF', inject: setting('appendonly', 'no', 'yes'), fix: /config set appendonly yes/ },
  {
    fault: 'redis.writes',
    by: 'its disk full',
    inject: async (broken) => {
      const { port } = broken.use(await startFullRedis())
      return { REDIS_URL: `redis://127.0.0.1:${port}`, REDIS_PASSWORD: '' }
    },
    fix: /disk of Redis/,
  },
  {
    fault: 'redis.memory',
    by: 'memory nearly used up',
    inject: async (broken) => {
      // The allocator gives 64 MiB for it.
      await on.redis.set('ballast', 'x'.repeat(60 * mebibyte))
      broken.defer(async () => void (await on.redis.config('SET', 'maxmemory', '0').then(() => on.redis.del('ballast'))))
      await on.redis.config('SET', 'maxmemory', '71mb')
      return undefined
    },
    fix: /maxmemory/,
  },
  {
    fault: 'redis.shared',
    by: 'a second release with the same prefix',
    inject: () => ({ DATABASE_URL: `postgres://127.0.0.1:${on.postgres.port}/slipway_copy` }),
    fix: /REDIS_KEY_PREFIX/,
  },
  {
    fault: 'storage.keys',
    by: 'another secret key',
    inject: () => ({ S3_SECRET_KEY: 'wrong-secret-key' }),
    fix: /S3_ACCESS_KEY and S3_SECRET_KEY/,
  },
  {
    fault: 'storage.keys',
    by: 'an access key that nobody knows',
    inject: () => ({ S3_ACCESS_KEY: 'nobody' }),
    fix: /S3_ACCESS_KEY and S3_SECRET_KEY/,
  },
  { fault: 'storage.unreachable', by: 'a port that nobody listens on', inject: () => elsewhere('S3_ENDPOINT'), fix: /S3_ENDPOINT/ },
  {
    fault: 'storage.bucket',
    by: 'buckets that were not made',
    inject: () => ({ S3_BUCKET_PREFIX: 'absent-' }),
    fix: /slipway migrate.*S3_BUCKET_PREFIX/,
  },
  {
    fault: 'storage.read-only',
    by: 'an identity that may not write',
    inject: (broken) => identityWith(broken, ['Read', 'List']),
    fix: /S3_ACCESS_KEY to put and delete/,
  },
  {
    fault: 'storage.denied',
    by: 'an identity that may do nothing here',
    inject: (broken) => identityWith(broken, ['Read:another-bucket']),
    fix: /S3_ACCESS_KEY to list/,
  },
  {
    fault: 'storage.region',
    by: 'another region',
    inject: async (broken) => {
      const { port } = broken.use(await startRegional(on.environment['S3_ENDPOINT'] ?? '', 'eu-central-1'))
      return { S3_ENDPOINT: `http://127.0.0.1:${port}` }
    },
    fix: /S3_REGION/,
  },
  {
    fault: 'storage.uploads',
    by: 'a store that lists open uploads by their whole key only',
    inject: async (broken) => {
      const { port } = broken.use(await startWithoutUploadLists(on.environment['S3_ENDPOINT'] ?? ''))
      return { S3_ENDPOINT: `http://127.0.0.1:${port}` }
    },
    fix: /after a day/,
  },
  {
    fault: 'clamd.unreachable',
    by: 'a port that nobody listens on',
    inject: async () => ({ CLAMAV_PORT: String(await freePort()) }),
    fix: /CLAMAV_HOST and CLAMAV_PORT/,
  },
  {
    fault: 'clamd.unreachable',
    by: 'a server that takes connections and says nothing',
    inject: async (broken) => ({ CLAMAV_PORT: String(broken.use(await startSilence()).port) }),
    fix: /CLAMAV_HOST and CLAMAV_PORT/,
  },
  {
    fault: 'clamd.signatures',
    by: 'no official database',
    inject: clamd({ builtAt: null }),
    fix: /freshclam/,
  },
  {
    fault: 'clamd.stale',
    by: 'a database of three weeks ago',
    inject: clamd({ builtAt: new Date(Date.now() - 21 * day) }),
    fix: /log of freshclam/,
  },
  {
    fault: 'clamd.stream-limit',
    by: 'StreamMaxLength below FILES_MAX_BYTES',
    inject: clamd({ config: { StreamMaxLength: String(mebibyte) } }),
    fix: /raise StreamMaxLength.*FILES_MAX_BYTES/,
  },
  {
    fault: 'clamd.file-limit',
    by: 'MaxFileSize below StreamMaxLength',
    inject: clamd({ config: { MaxFileSize: String(2 * mebibyte) } }),
    fix: /MaxFileSize and MaxScanSize of clamd and CLAMAV_MAX_FILE_BYTES/,
  },
  {
    fault: 'clamd.file-limit',
    by: 'StreamMaxLength above CLAMAV_MAX_FILE_BYTES',
    inject: () => ({ CLAMAV_MAX_FILE_BYTES: String(4 * mebibyte) }),
    fix: /StreamMaxLength not above it/,
    also: ['clamd.room'],
  },
  {
    fault: 'clamd.room',
    by: 'FILES_MAX_BYTES above half of CLAMAV_MAX_FILE_BYTES',
    inject: () => ({ FILES_MAX_BYTES: String(5 * mebibyte) }),
    fix: /lower FILES_MAX_BYTES/,
  },
  {
    fault: 'clamd.alerts',
    by: 'AlertExceedsMax off',
    inject: clamd({ config: { AlertExceedsMax: 'no' } }),
    fix: /AlertExceedsMax yes/,
  },
  {
    fault: 'clamd.disk',
    by: 'its disk full',
    inject: async (broken) => {
      const disk = broken.use(fullDisk())
      return await clamd({ config: { TemporaryDirectory: disk.path } })(broken)
    },
    fix: /TemporaryDirectory/,
  },
  {
    fault: 'clamd.blind',
    by: 'a database that does not know it',
    inject: clamd({ signature: 'ab'.repeat(32) }),
    fix: /signature database/,
  },
  {
    fault: 'identity.unreachable',
    by: 'a port that nobody listens on',
    inject: () => elsewhere('SLIPWAY_IDENTITY_URL'),
    fix: /SLIPWAY_IDENTITY_URL/,
  },
  {
    fault: 'identity.credential',
    by: 'a credential that identity does not list',
    inject: () => ({ SLIPWAY_SERVICE_CREDENTIAL: 'cli.another-credential' }),
    fix: /SLIPWAY_SERVICE_CALLERS.*SLIPWAY_SERVICE_CREDENTIAL/,
  },
  {
    fault: 'identity.keys',
    by: 'the public listener instead of the internal one: no JWKS there',
    inject: () => ({ SLIPWAY_IDENTITY_URL: on.environment['SLIPWAY_PUBLIC_URL'] ?? '' }),
    fix: /SLIPWAY_IDENTITY_URL.*8081/,
  },
  {
    fault: 'public-url.unreachable',
    by: 'a port that nobody listens on',
    inject: () => elsewhere('SLIPWAY_PUBLIC_URL'),
    fix: /SLIPWAY_PUBLIC_URL/,
  },
  {
    fault: 'public-url.wrong',
    by: 'the address of another site',
    inject: async (broken) => ({ SLIPWAY_PUBLIC_URL: `http://127.0.0.1:${broken.use(await startSite()).port}` }),
    fix: /SLIPWAY_PUBLIC_URL/,
  },
  {
    fault: 'public-url.wrong',
    by: 'plain http in production',
    inject: () => ({ SLIPWAY_ENV: 'production' }),
    fix: /SLIPWAY_PUBLIC_URL/,
  },
  {
    fault: 'collector.unreachable',
    by: 'a port that nobody listens on',
    inject: () => elsewhere('OTEL_EXPORTER_OTLP_ENDPOINT'),
    fix: /OTEL_EXPORTER_OTLP_ENDPOINT.*4318/,
  },
  {
    fault: 'collector.conflict',
    by: 'a site on its port',
    inject: async (broken) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${broken.use(await startSite()).port}` }),
    fix: /port of its own.*OTEL_EXPORTER_OTLP_ENDPOINT/,
  },
  {
    fault: 'collector.conflict',
    by: 'what is no HTTP on its port',
    inject: () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${on.redisPort}` }),
    fix: /port of its own.*OTEL_EXPORTER_OTLP_ENDPOINT/,
  },
  {
    fault: 'machine.disk',
    by: 'no room for temporary files',
    inject: (broken) => ({ TMPDIR: broken.use(fullDisk()).path }),
    fix: /free some disk space/,
  },
]

async function identityWith(broken: AsyncDisposableStack, actions: readonly string[]): Promise<Variables> {
  const [accessKey, secretKey] = ['another-identity', 'secret-of-another-identity']
  const gateway = await startGateway(on.filer, { name: 'another', credentials: [{ accessKey, secretKey }], actions })
  return { S3_ENDPOINT: `http://127.0.0.1:${broken.use(gateway).port}`, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey }
}

test('a healthy installation has none of it', async () => {
  const { code, findings } = await askDoctor(on.environment)
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
  expect(code).toBe(0)
})

describe('the doctor names the fault and the fix:', () => {
  test.each(injections)('$fault by $by', async ({ fault, inject, fix, also = [] }) => {
    await using broken = new AsyncDisposableStack()
    const variables = await inject(broken)
    const { code, output, findings } = await askDoctor({ ...on.environment, ...variables })
    const wrong = findings.filter(({ level }) => level !== 'ok')
    expect(new Set(wrong.map((finding) => finding.fault))).toEqual(new Set([fault, ...also]))
    const found = wrong.find((finding) => finding.fault === fault)
    expect(found).toMatchObject({ what: expect.stringMatching(/./), why: expect.stringMatching(/./), fix: expect.stringMatching(fix) })
    expect(code).toBe(wrong.some(({ level }) => level === 'fail') ? 1 : 0)
    for (const secret of [...on.secrets, 'wrong-password', 'wrong-secret-key']) expect(output).not.toContain(secret)
  })
})

test('what was broken is mended, or the cases say less than they seem to', async () => {
  expect((await askDoctor(on.environment)).findings.filter(({ level }) => level !== 'ok')).toEqual([])
})

import { describe, expect, it } from 'vitest'
import { ConfigError, clientNames, platformVariables, readConfig, Secret, type Variable, variables } from './index.ts'

const minimal = {
  SLIPWAY_PUBLIC_URL: 'https://slipway.example',
  DATABASE_URL: 'postgres://admin:hunter2@db:5433/slipway',
  REDIS_URL: 'rediss://:hunter2@redis:6380',
}
const all = variables(platformVariables)

function read(changes: Record<string, string> = {}) {
  return readConfig(platformVariables, { ...minimal, ...changes })
}

function faultsOf(changes: Record<string, string>): readonly string[] {
  try {
    read(changes)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('the platform without any wish of its own', () => {
  it('needs three variables', () => {
    expect(all.filter((variable) => variable.fallback === undefined).map((variable) => variable.name)).toEqual(Object.keys(minimal))
  })

  /** An installation that upgrades relies on them: a change here is a change for everybody. */
  it('has these settings', () => {
    const { http, shutdown, log, database, redis, storage, scanner, telemetry, environment, instance, baseDomain, services } = read()
    expect({ environment, instance, baseDomain, services, log }).toEqual({
      environment: 'production',
      instance: null,
      baseDomain: null,
      services: null,
      log: { level: 'info' },
    })
    expect(http).toEqual({
      host: '0.0.0.0',
      port: 8080,
      internalHost: '0.0.0.0',
      internalPort: 8081,
      requestsPerMinute: 3000,
      answerSeconds: 25,
      trustedProxies: ['loopback', 'uniquelocal'],
    })
    expect(shutdown).toEqual({ seconds: 25, notReadySeconds: 0 })
    expect(database).toMatchObject({ tls: 'disable', caFile: null, poolSize: 10, statementSeconds: 15, connectSeconds: 20 })
    expect(redis).toMatchObject({ caFile: null, keyPrefix: 'slipway' })
    expect(storage).toEqual({
      endpoint: null,
      region: 'us-east-1',
      accessKey: null,
      secretKey: null,
      pathStyle: true,
      bucketPrefix: 'slipway-',
      caFile: null,
      createBuckets: true,
    })
    expect(scanner).toMatchObject({ host: '127.0.0.1', port: 3310, connections: 12, queueSeconds: 30, idleSeconds: 30 })
    expect(telemetry).toMatchObject({ endpoint: null, sampling: 'head', ratio: 0.1, metricSeconds: 15 })
  })

  it('is closed where it could be open: no test signatures, no second issuer, no callers', () => {
    const { scanner, auth } = read()
    expect(scanner.allowTestSignatures).toBe(false)
    expect(auth).toEqual({
      identityUrl: null,
      serviceCredential: null,
      serviceCallers: null,
      externalIssuer: null,
      externalJwksUrl: null,
      externalSecret: null,
      externalAudience: 'slipway',
    })
  })
})

describe('what the platform keeps to itself', () => {
  it('is every value that can hold a password', () => {
    const secrets = all.filter((variable) => variable.secret).map((variable) => variable.name)
    expect(secrets).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'REDIS_PASSWORD',
      'S3_ACCESS_KEY',
      'S3_SECRET_KEY',
      'SLIPWAY_SERVICE_CREDENTIAL',
      'JWT_EXTERNAL_SECRET',
    ])
    const suspicious = all.filter(({ name }) => /PASSWORD|SECRET|CREDENTIAL|_KEY$/.test(name))
    expect(suspicious.filter((variable) => !variable.secret)).toEqual([])
  })

  it('does not come out when the whole configuration is printed, and is there when it is asked for', () => {
    const config = read({ S3_ACCESS_KEY: 'AKIA', S3_SECRET_KEY: 'hunter3', JWT_EXTERNAL_SECRET: 'hunter4' })
    expect(JSON.stringify(config)).not.toMatch(/hunter|AKIA/)
    expect(config.storage.secretKey?.reveal()).toBe('hunter3')
    expect(config.database.url.reveal()).toBe(minimal.DATABASE_URL)
    expect(config.redis.url).toBeInstanceOf(Secret)
  })

  it.each(all.filter((variable) => variable.secret).map((variable) => [variable.name]))('is not said when %s is refused', (name) => {
    const faults = faultsOf({ [name]: 'hunter5 is no URL' })
    expect(faults.join()).not.toContain('hunter5')
  })
})

describe('what the platform refuses', () => {
  it.each([
    ['HTTP_PORT', '65536'],
    ['HTTP_INTERNAL_PORT', '-1'],
    ['HTTP_REQUESTS_PER_MINUTE', '0'],
    ['SHUTDOWN_SECONDS', '0'],
    ['SHUTDOWN_NOT_READY_SECONDS', '601'],
    ['LOG_LEVEL', 'verbose'],
    ['SLIPWAY_ENV', 'prod'],
    ['SLIPWAY_PUBLIC_URL', 'slipway.example'],
    ['SLIPWAY_PUBLIC_URL', 'ftp://slipway.example'],
    ['DATABASE_URL', 'mysql://db/slipway'],
    ['DATABASE_TLS', 'verify'],
    ['DATABASE_POOL_SIZE', '1'],
    ['DATABASE_STATEMENT_SECONDS', '3601'],
    ['REDIS_URL', 'http://redis'],
    ['S3_ENDPOINT', 's3.example'],
    ['S3_PATH_STYLE', 'yes'],
    ['CLAMAV_PORT', '0'],
    ['CLAMAV_PORT', 'tcp://10.0.0.7:3310'],
    ['CLAMAV_CONNECTIONS', '0'],
    ['CLAMAV_MAX_FILE_BYTES', '2147483648'],
    ['CLAMAV_ALLOW_TEST_SIGNATURES', '1'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.1'],
    ['OTEL_SAMPLING', 'always'],
    ['JWT_EXTERNAL_JWKS_URL', 'file:///keys'],
  ])('%s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: `))])
  })
})

describe('the names of the platform', () => {
  it('do not clash with those that its users keep in the same environment', () => {
    const own = new Set(all.map((variable) => variable.name))
    expect(clientNames.filter((name) => own.has(name))).toEqual([])
  })

  it('leave NAME_FILE to mounted secrets: no variable is the file of another', () => {
    const own = new Set(all.map((variable) => variable.name))
    const ambiguous = (variable: Variable<unknown>) => variable.name.endsWith('_FILE') && own.has(variable.name.slice(0, -'_FILE'.length))
    expect(all.filter(ambiguous)).toEqual([])
  })
})

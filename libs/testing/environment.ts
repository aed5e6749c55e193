import type { TestDatabase } from './database.ts'
import type { TestRedis } from './redis.ts'
import { testScanner } from './scanner.ts'
import type { TestStorage } from './storage.ts'

interface EnvironmentParts {
  readonly services: readonly string[]
  readonly database: TestDatabase
  readonly redis: TestRedis
  readonly storage: TestStorage
  /** Variables of the services, and whatever a test wants to be otherwise. */
  readonly more?: Readonly<Record<string, string>>
}

/** The environment with which a process of these services runs on the stores of the test. Ports are free ones. */
export function testEnvironment({ services, database, redis, storage, more = {} }: EnvironmentParts): Record<string, string> {
  const scanner = testScanner()
  const { endpoint, region, accessKey, secretKey, bucketPrefix } = storage.config
  const passwords = services.flatMap((service) => {
    const prefix = service.toUpperCase().replaceAll('-', '_')
    return (['runtime', 'system'] as const).map((role) => [
      `${prefix}_DB_${role.toUpperCase()}_PASSWORD`,
      database.credentials(role, service).password,
    ])
  })
  return {
    SLIPWAY_ENV: 'test',
    SLIPWAY_PUBLIC_URL: 'http://localhost:8800',
    SLIPWAY_BASE_DOMAIN: 'localhost',
    LOG_LEVEL: 'silent',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    HTTP_INTERNAL_HOST: '127.0.0.1',
    HTTP_INTERNAL_PORT: '0',
    DATABASE_URL: withoutCredentials(database.adminUrl),
    REDIS_URL: redis.url,
    S3_ENDPOINT: endpoint,
    S3_REGION: region,
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
    S3_BUCKET_PREFIX: bucketPrefix,
    CLAMAV_HOST: scanner.host,
    CLAMAV_PORT: String(scanner.port),
    CLAMAV_MAX_FILE_BYTES: String(scanner.maxFileBytes),
    CLAMAV_ALLOW_TEST_SIGNATURES: 'true',
    ...Object.fromEntries(passwords),
    ...more,
  }
}

/** What the roles of the services do not need, their processes do not get. */
function withoutCredentials(address: string): string {
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url.href
}

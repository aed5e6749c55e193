/** By what an installation is configured: the values of the chart, variables, or nothing but the command on this machine. */
export type Installation = 'chart' | 'environment' | 'stack'

/** The value of the chart that a variable comes from. */
export const chartValues: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgresql.connection',
  DATABASE_ADMIN_USER: 'postgresql.connection.adminUser',
  DATABASE_ADMIN_PASSWORD: 'postgresql.connection.existingSecret',
  DATABASE_CA_FILE: 'postgresql.connection.ca',
  DATABASE_TLS: 'postgresql.connection.tls',
  REDIS_URL: 'redis.connection',
  REDIS_USER: 'redis.connection.user',
  REDIS_PASSWORD: 'redis.connection.existingSecret',
  REDIS_CA_FILE: 'redis.connection.ca',
  REDIS_KEY_PREFIX: 'redis.keyPrefix',
  S3_ENDPOINT: 'objectStorage.connection.endpoint',
  S3_REGION: 'objectStorage.region',
  S3_ACCESS_KEY: 'objectStorage.connection.existingSecret',
  S3_SECRET_KEY: 'objectStorage.connection.existingSecret',
  S3_CA_FILE: 'objectStorage.connection.ca',
  S3_BUCKET_PREFIX: 'objectStorage.bucketPrefix',
  S3_CREATE_BUCKETS: 'objectStorage.connection.createBuckets',
  CLAMAV_HOST: 'clamav.connection.host',
  CLAMAV_PORT: 'clamav.connection.port',
  CLAMAV_MAX_FILE_BYTES: 'clamav.maxFileBytes',
  CLAMAV_ALLOW_TEST_SIGNATURES: 'clamav.allowTestSignatures',
  FILES_MAX_BYTES: 'services.files.env',
  MENU_PHOTO_BYTES: 'services.menu.env',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'telemetry.mode',
  SLIPWAY_PUBLIC_URL: 'publicUrl',
  SLIPWAY_IDENTITY_URL: 'services.identity.enabled',
}

/** Words that are no variables: where the chart has a value for what is a matter of the store elsewhere. */
const places: Readonly<Record<string, { readonly chart: string; readonly other: string }>> = {
  migrate: { chart: '`helm upgrade`, whose Job runs `slipway migrate`', other: '`slipway migrate`' },
  'redis-disk': { chart: 'redis.storage.size', other: '`dir` in redis.conf' },
  'redis-memory': { chart: 'redis.maxMemory', other: '`maxmemory` in redis.conf' },
  freshclam: { chart: 'clamav.freshclam.mirrors', other: '`DatabaseMirror` in freshclam.conf' },
  'clamd-stream': { chart: 'clamav.maxStreamBytes', other: '`StreamMaxLength` in clamd.conf' },
  'clamd-disk': { chart: 'clamav.resources.limits.ephemeral-storage', other: '`TemporaryDirectory` in clamd.conf' },
  'tmp-disk': { chart: 'migrations.resources.limits.ephemeral-storage', other: 'TMPDIR names it for temporary files' },
}

/** Every value of the chart that a fix may name. */
export function namedValues(): string[] {
  return [...Object.values(chartValues), ...Object.values(places).map(({ chart }) => chart)].filter((value) => /^[\w.-]+$/.test(value))
}

/** An instruction in the words of whoever configures this installation. */
export function fillFix(text: string, installation: Installation): string {
  return text.replaceAll(/\{([\w-]+)\}/g, (_whole, name: string) => {
    const place = places[name]
    if (place) return installation === 'chart' ? place.chart : place.other
    if (installation !== 'chart') return name
    const value = chartValues[name]
    if (value !== undefined) return `${value} (${name})`
    return /_(PASSWORD|CREDENTIAL|CALLERS)$/.test(name) ? `${name} in the release's Secret` : name
  })
}

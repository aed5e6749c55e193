import { choice, decimal, flag, integer, list, secret, secretUrl, text, url } from './variable.ts'

/** What every process of the platform reads. Services add their own trees in their manifests. */
export const platformVariables = {
  environment: choice('SLIPWAY_ENV', ['production', 'development', 'test'], {
    default: 'production',
    description: 'Kind of installation; only development and test may use test signatures and plain http',
  }),
  instance: text('SLIPWAY_INSTANCE', { optional: true, description: 'Name of this process in logs and traces; the host name without it' }),
  publicUrl: url('SLIPWAY_PUBLIC_URL', { protocols: ['http', 'https'], description: 'Where clients reach the platform, without path' }),
  baseDomain: text('SLIPWAY_BASE_DOMAIN', {
    optional: true,
    description: 'Tenants are subdomains of it; without it a tenant is named by X-Tenant-Slug or its credentials only',
  }),
  services: list('SLIPWAY_SERVICES', {
    optional: true,
    description: 'Services of this installation, for the combined documentation at /docs; the own ones without it',
  }),
  http: {
    host: text('HTTP_HOST', { default: '0.0.0.0', description: 'Address that the public listener binds' }),
    port: integer('HTTP_PORT', { default: 8080, max: 65_535, description: 'Port of the public listener' }),
    internalHost: text('HTTP_INTERNAL_HOST', { default: '0.0.0.0', description: 'Address that the internal listener binds' }),
    internalPort: integer('HTTP_INTERNAL_PORT', {
      default: 8081,
      max: 65_535,
      description: 'Port of the internal listener, never routed by the edge',
    }),
    requestsPerMinute: integer('HTTP_REQUESTS_PER_MINUTE', {
      default: 3000,
      min: 1,
      description: 'Requests that one caller may send to one service per minute, where a route has no limit of its own',
    }),
    answerSeconds: integer('HTTP_ANSWER_SECONDS', {
      default: 25,
      min: 1,
      max: 3600,
      description:
        'How long the platform may take for an answer, not counting what the client makes it wait; then 503, and what can be stopped is stopped',
    }),
    trustedProxies: list('HTTP_TRUSTED_PROXIES', {
      default: 'loopback,uniquelocal',
      description: 'Addresses and ranges whose X-Forwarded-* headers are believed',
    }),
  },
  shutdown: {
    seconds: integer('SHUTDOWN_SECONDS', {
      default: 25,
      min: 1,
      max: 3600,
      description: 'Deadline of an orderly shutdown; stays below the grace period of the pod',
    }),
    notReadySeconds: integer('SHUTDOWN_NOT_READY_SECONDS', {
      default: 0,
      max: 600,
      description: 'How long to keep serving after the process turned not ready, while load balancers take notice',
    }),
  },
  log: {
    level: choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      default: 'info',
      description: 'Least severe level that is logged',
    }),
  },
  database: {
    url: secretUrl('DATABASE_URL', {
      protocols: ['postgres', 'postgresql'],
      description: 'Host, port and database; user and password in it are used by `slipway migrate` only',
    }),
    auth: choice('DATABASE_AUTH', ['password', 'aws-iam'], {
      default: 'password',
      description: 'aws-iam: every role signs in to Amazon RDS by tokens of the identity of the process, and no password is needed',
    }),
    region: text('DATABASE_REGION', { optional: true, description: 'AWS region that aws-iam signs for; AWS_REGION without it' }),
    tls: choice('DATABASE_TLS', ['disable', 'require', 'verify-full'], {
      default: 'disable',
      description: 'Transport security to Postgres',
    }),
    caFile: text('DATABASE_CA_FILE', { optional: true, description: 'PEM bundle that signed the certificate of Postgres' }),
    poolSize: integer('DATABASE_POOL_SIZE', {
      default: 10,
      min: 2,
      max: 500,
      description: 'Connections per role and process at most; sweeps read by one and ask by another',
    }),
    statementSeconds: integer('DATABASE_STATEMENT_SECONDS', {
      default: 15,
      min: 1,
      max: 3600,
      description: 'Time after which Postgres cancels a statement',
    }),
    connectSeconds: integer('DATABASE_CONNECT_SECONDS', {
      default: 20,
      min: 1,
      max: 120,
      description: 'Time to wait for a connection before answering 503; a second while nobody gets one',
    }),
  },
  redis: {
    url: secretUrl('REDIS_URL', { protocols: ['redis', 'rediss'], description: 'Redis or Valkey, with password; rediss:// for TLS' }),
    user: text('REDIS_USER', { optional: true, description: 'Instead of the user in REDIS_URL' }),
    password: secret('REDIS_PASSWORD', { optional: true, description: 'Instead of the password in REDIS_URL' }),
    caFile: text('REDIS_CA_FILE', { optional: true, description: 'PEM bundle that signed the certificate of Redis' }),
    keyPrefix: text('REDIS_KEY_PREFIX', {
      default: 'slipway',
      description: 'First part of every key; tells installations apart that share one Redis',
    }),
  },
  storage: {
    endpoint: url('S3_ENDPOINT', {
      optional: true,
      protocols: ['http', 'https'],
      description: 'S3 endpoint; without it AWS S3 of the region',
    }),
    region: text('S3_REGION', { default: 'us-east-1', description: 'Region for signing' }),
    accessKey: secret('S3_ACCESS_KEY', {
      optional: true,
      description: 'Access key; without it the default credential chain of the SDK (IRSA, workload identity)',
    }),
    secretKey: secret('S3_SECRET_KEY', { optional: true, description: 'Secret key that belongs to S3_ACCESS_KEY' }),
    pathStyle: flag('S3_PATH_STYLE', { default: true, description: 'Bucket in the path instead of in the host name' }),
    bucketPrefix: text('S3_BUCKET_PREFIX', { default: 'slipway-', description: 'First part of every bucket name' }),
    caFile: text('S3_CA_FILE', { optional: true, description: 'PEM bundle that signed the certificate of the endpoint' }),
    createBuckets: flag('S3_CREATE_BUCKETS', { default: true, description: 'Create missing buckets at start-up' }),
  },
  scanner: {
    host: text('CLAMAV_HOST', { default: '127.0.0.1', description: 'Host of clamd' }),
    port: integer('CLAMAV_PORT', { default: 3310, min: 1, max: 65_535, description: 'Port of clamd' }),
    connections: integer('CLAMAV_CONNECTIONS', {
      default: 12,
      min: 1,
      max: 256,
      description:
        'Scans at a time per process, each of which begins with the first byte of an upload; all processes together not above MaxThreads of clamd',
    }),
    queueSeconds: integer('CLAMAV_QUEUE_SECONDS', {
      default: 30,
      min: 0,
      max: 3600,
      description: 'How long an upload waits for a free connection before 503',
    }),
    idleSeconds: integer('CLAMAV_IDLE_SECONDS', {
      default: 30,
      min: 1,
      max: 3600,
      description: 'Silence on the wire after which clamd counts as hung',
    }),
    maxFileBytes: integer('CLAMAV_MAX_FILE_BYTES', {
      default: 2_147_483_647,
      min: 1024,
      max: 2_147_483_647,
      description: 'MaxFileSize of clamd (StreamMaxLength must not be above it): archive members beyond it are unscannable',
    }),
    allowTestSignatures: flag('CLAMAV_ALLOW_TEST_SIGNATURES', {
      default: false,
      description: 'Accept a signature database without real signatures; for development and tests only',
    }),
  },
  telemetry: {
    endpoint: url('OTEL_EXPORTER_OTLP_ENDPOINT', {
      optional: true,
      protocols: ['http', 'https'],
      description: 'OTLP over HTTP; telemetry is off without it',
    }),
    sampling: choice('OTEL_SAMPLING', ['head', 'tail'], {
      default: 'head',
      description: 'head: the ratio is decided before spans are made; tail: everything is recorded and the gateway decides',
    }),
    ratio: decimal('OTEL_TRACES_SAMPLER_ARG', { default: 0.1, min: 0, max: 1, description: 'Share of traces that head sampling keeps' }),
    metricSeconds: integer('OTEL_METRIC_SECONDS', { default: 15, min: 1, max: 3600, description: 'How often metrics are exported' }),
    serviceName: text('OTEL_SERVICE_NAME', {
      optional: true,
      description: 'service.name of the resource; read by the OpenTelemetry SDK itself',
    }),
    attributes: text('OTEL_RESOURCE_ATTRIBUTES', {
      optional: true,
      description: 'Attributes of the resource, key=value separated by commas',
    }),
  },
  auth: {
    identityUrl: url('SLIPWAY_IDENTITY_URL', {
      optional: true,
      protocols: ['http', 'https'],
      description: 'Internal listener of the identity service; required by every service that checks credentials',
    }),
    serviceCredential: secret('SLIPWAY_SERVICE_CREDENTIAL', {
      optional: true,
      description: 'What this process shows to internal listeners: `<service>.<secret>`',
    }),
    serviceCallers: list('SLIPWAY_SERVICE_CALLERS', {
      optional: true,
      description: 'Who may call the internal listener: `<service>:<sha256 of the credential in hex>`, separated by commas',
    }),
    externalIssuer: text('JWT_EXTERNAL_ISSUER', { optional: true, description: 'A second issuer whose tokens are accepted' }),
    externalJwksUrl: url('JWT_EXTERNAL_JWKS_URL', {
      optional: true,
      protocols: ['http', 'https'],
      description: 'Keys of the second issuer',
    }),
    externalSecret: secret('JWT_EXTERNAL_SECRET', {
      optional: true,
      description: 'Shared HS256 secret of the second issuer, at least 32 bytes; only without JWT_EXTERNAL_JWKS_URL',
    }),
    externalAudience: text('JWT_EXTERNAL_AUDIENCE', {
      default: 'slipway',
      description: 'Audience that tokens of the second issuer must name',
    }),
  },
}

/** Variables that the `slipway` command and its users keep in the same environment; processes know them, but do not read them. */
export const clientNames = [
  'SLIPWAY_URL',
  'SLIPWAY_API_KEY',
  'SLIPWAY_TENANT',
  'SLIPWAY_EMAIL',
  'SLIPWAY_PASSWORD',
  'SLIPWAY_HOME',
  'SLIPWAY_PORT',
] as const

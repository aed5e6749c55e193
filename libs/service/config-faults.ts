import type { PlatformConfig } from '@slipway/config'

/** What is wrong with values that are each valid and do not fit together. */
export function combinationFaults(platform: PlatformConfig): string[] {
  return [
    ...production(platform),
    ...shutdown(platform),
    ...database(platform),
    ...redis(platform),
    ...storage(platform),
    ...externalIssuer(platform),
  ]
}

function production({ environment, scanner, publicUrl }: PlatformConfig): string[] {
  if (environment !== 'production') return []
  return [
    ...when(
      scanner.allowTestSignatures,
      'CLAMAV_ALLOW_TEST_SIGNATURES: true lets everything through but the test file: unset it, or set SLIPWAY_ENV if this is no production',
    ),
    ...when(
      publicUrl.protocol !== 'https:',
      `SLIPWAY_PUBLIC_URL: "${publicUrl.href}" is not https: give the address that clients use, or set SLIPWAY_ENV if this is no production`,
    ),
  ]
}

function shutdown({ shutdown: { seconds, notReadySeconds } }: PlatformConfig): string[] {
  return when(
    notReadySeconds >= seconds,
    `SHUTDOWN_NOT_READY_SECONDS: ${notReadySeconds} leaves nothing of SHUTDOWN_SECONDS (${seconds}) to end requests and jobs in`,
  )
}

/** A token that crosses the network in the clear opens the database to whoever reads it. */
function database({ database: { auth, tls } }: PlatformConfig): string[] {
  return when(auth === 'aws-iam' && tls === 'disable', 'DATABASE_AUTH: aws-iam needs TLS; set DATABASE_TLS to verify-full')
}

/** ioredis lets the URL win over the database that is asked for: sessions, counters and queues would all lie in one. */
function redis({ redis: { url } }: PlatformConfig): string[] {
  const { pathname, searchParams } = new URL(url.reveal())
  const named = (pathname !== '' && pathname !== '/') || searchParams.has('db')
  return when(named, 'REDIS_URL: names a database; leave it out, since each purpose has its own')
}

/** Half of a pair would silently mean the default credential chain, which is somebody else. */
function storage({ storage: { accessKey, secretKey } }: PlatformConfig): string[] {
  return when((accessKey === null) !== (secretKey === null), 'S3_ACCESS_KEY and S3_SECRET_KEY: one is set without the other')
}

function externalIssuer({ auth: { externalIssuer: issuer, externalJwksUrl: jwksUrl, externalSecret: secret } }: PlatformConfig): string[] {
  const keys = [jwksUrl, secret].filter((key) => key !== null).length
  return [
    ...when(issuer !== null && keys !== 1, 'JWT_EXTERNAL_ISSUER: set either JWT_EXTERNAL_JWKS_URL or JWT_EXTERNAL_SECRET with it'),
    ...when(issuer === null && keys > 0, 'JWT_EXTERNAL_JWKS_URL and JWT_EXTERNAL_SECRET mean nothing without JWT_EXTERNAL_ISSUER'),
    ...when(
      secret !== null && Buffer.byteLength(secret.reveal()) < shortestSecret,
      `JWT_EXTERNAL_SECRET: its value has fewer than ${shortestSecret} bytes`,
    ),
  ]
}

/** RFC 7518 §3.2 for HS256. */
const shortestSecret = 32

function when(wrong: boolean, fault: string): string[] {
  return wrong ? [fault] : []
}

import { flag, integer, secret, text, url, type VariableTree } from '@slipway/config'
import { type AnyManifest, variablePrefix } from '@slipway/service'

/** What only the migration step is told, beside what it shares with the processes. */
export const backupPassword = secret('DATABASE_BACKUP_PASSWORD', {
  optional: true,
  description: 'Password of the role that may read everything, for backups; without it the role cannot sign in',
})

/** Who may make schemas and roles. */
export const admin = {
  user: text('DATABASE_ADMIN_USER', { optional: true, description: 'Instead of the user in DATABASE_URL' }),
  password: secret('DATABASE_ADMIN_PASSWORD', { optional: true, description: 'Instead of the password in DATABASE_URL' }),
}

/** Where backups go, and how long they stay. */
export const backup = {
  bucket: text('BACKUP_S3_BUCKET', {
    optional: true,
    description: 'Bucket of the backups, by its full name; without it `backups` with S3_BUCKET_PREFIX, in the store that is backed up',
  }),
  endpoint: url('BACKUP_S3_ENDPOINT', {
    optional: true,
    protocols: ['http', 'https'],
    description: 'S3 endpoint of that bucket; without it AWS S3 of the region',
  }),
  region: text('BACKUP_S3_REGION', { default: 'us-east-1', description: 'Region for signing' }),
  accessKey: secret('BACKUP_S3_ACCESS_KEY', { optional: true, description: 'Without it the default credential chain of the SDK' }),
  secretKey: secret('BACKUP_S3_SECRET_KEY', { optional: true, description: 'Secret key that belongs to BACKUP_S3_ACCESS_KEY' }),
  pathStyle: flag('BACKUP_S3_PATH_STYLE', { default: true, description: 'Bucket in the path instead of in the host name' }),
  caFile: text('BACKUP_S3_CA_FILE', { optional: true, description: 'PEM bundle that signed the certificate of that endpoint' }),
  createBucket: flag('BACKUP_CREATE_BUCKET', { default: true, description: 'Make the bucket when it is missing' }),
  keepDays: integer('BACKUP_KEEP_DAYS', { default: 14, min: 1, max: 3650, description: 'Days after which a backup is removed' }),
  keepAtLeast: integer('BACKUP_KEEP_AT_LEAST', {
    default: 3,
    min: 1,
    max: 1000,
    description: 'Backups of a kind that stay however old they are',
  }),
  postgresSchedule: text('BACKUP_POSTGRES_SCHEDULE', {
    optional: true,
    description: 'When Postgres is backed up, for `slipway doctor`: a cron pattern in UTC',
  }),
  objectsSchedule: text('BACKUP_OBJECTS_SCHEDULE', {
    optional: true,
    description: 'When objects are backed up, for `slipway doctor`: a cron pattern in UTC',
  }),
}

export function ownerPassword(service: string) {
  return secret(`${variablePrefix(service)}_DB_OWNER_PASSWORD`, {
    optional: true,
    description: `Password of the role that owns the schema of ${service}; without it the role cannot sign in`,
  })
}

export function commandVariables(manifests: readonly AnyManifest[]): VariableTree {
  return { admin, backupPassword, backup, owners: Object.fromEntries(manifests.map(({ name }) => [name, ownerPassword(name)])) }
}

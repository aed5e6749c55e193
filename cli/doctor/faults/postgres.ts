import type { Fault } from './fault.ts'

export const postgresFaults = {
  'postgres.unreachable': {
    level: 'fail',
    title: 'Postgres does not answer at its address',
    why: 'nothing works without it',
    fix: 'see that Postgres runs, and that {DATABASE_URL} names its host and port',
  },
  'postgres.password': {
    level: 'fail',
    title: 'wrong password or name of the admin',
    why: 'nobody can migrate or back up',
    fix: 'set {DATABASE_ADMIN_PASSWORD} and {DATABASE_ADMIN_USER} (or both in DATABASE_URL) to what Postgres knows',
  },
  'postgres.certificate': {
    level: 'fail',
    title: 'certificate not signed by the authority that is trusted (wrong CA), or for another name',
    why: 'no process connects to a server that cannot prove who it is',
    fix: 'set {DATABASE_CA_FILE} to the authority that signed the certificate of Postgres, and {DATABASE_URL} to a name in it',
  },
  'postgres.tls': {
    level: 'fail',
    title: 'one side speaks TLS and the other does not',
    why: 'no connection comes about',
    fix: 'set {DATABASE_TLS} to what the server offers',
  },
  'postgres.database': {
    level: 'fail',
    title: 'the database does not exist',
    why: 'nothing works without it',
    fix: 'run `createdb`, or name another database in {DATABASE_URL}',
  },
  'postgres.clock': {
    level: 'fail',
    title: 'the clock of Postgres differs',
    why: 'tokens, revocations and schedules compare times of both',
    fix: 'run NTP (chrony) on both machines: on this one, and on that of Postgres',
  },
  'schema.missing': {
    level: 'fail',
    title: 'the schema of a service does not exist',
    why: 'its processes do not become ready',
    fix: 'run {migrate}',
  },
  'schema.behind': {
    level: 'fail',
    title: 'behind on migrations',
    why: 'processes of this release do not become ready',
    fix: 'run {migrate}',
  },
  'schema.changed': {
    level: 'fail',
    title: 'applied migrations differ from those of this release',
    why: 'nobody knows what is in the database',
    fix: 'install the release that the database was migrated with, or restore a backup',
  },
  'schema.table': {
    level: 'fail',
    title: 'a table is missing although its migration was applied (the quota table `files.usage`, say)',
    why: 'whatever reads or writes it fails',
    fix: 'restore it from a backup with `slipway restore`: migrations do not run again',
  },
  'tenants.open': {
    level: 'fail',
    title: 'row level security is off or not forced on a table',
    why: 'tenants may see rows of each other',
    fix: 'run `alter table … enable row level security, force row level security` on it as its owner, and find out who changed it',
  },
  'role.missing': {
    level: 'fail',
    title: 'a role of a service does not exist',
    why: 'its processes cannot sign in',
    fix: 'run {migrate}, which makes roles',
  },
  'role.password': {
    level: 'fail',
    title: 'Postgres refuses a service its password',
    why: 'its processes cannot sign in',
    fix: 'run {migrate}, which sets the passwords that the variables give ({FILES_DB_RUNTIME_PASSWORD}, {FILES_DB_SYSTEM_PASSWORD})',
  },
  'role.superuser': {
    level: 'fail',
    title: 'the role of a process is a superuser or has BYPASSRLS',
    why: 'row level security does not apply to it: one mistake shows all tenants to each',
    fix: 'run `alter role … nosuperuser nobypassrls`',
  },
  'role.owner': {
    level: 'fail',
    title: 'a process has the rights of the owner role at run time',
    why: 'it can switch off what keeps tenants apart',
    fix: 'run `revoke … from …` and `alter table … owner to …` as the finding says; only {migrate} acts as owner',
  },
  'backup.role': {
    level: 'fail',
    title: 'the role of backups is missing or cannot sign in',
    why: 'no backup of Postgres can be made',
    fix: 'set {DATABASE_BACKUP_PASSWORD} and run {migrate}, which makes the role and sets its password',
  },
  'backup.late': {
    level: 'warn',
    title: 'the newest backup is too old, or there is none',
    why: 'what has changed since is lost with the store',
    fix: 'see the Jobs of its CronJob, or run `slipway backup`',
  },
  'backup.damaged': {
    level: 'warn',
    title: 'a backup is not as it was made',
    why: 'it may not come back whole',
    fix: 'find out what changes it; keep an older one until the next is well',
  },
} as const satisfies Record<string, Fault>

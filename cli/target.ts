import type { Retention, VaultOptions } from '@slipway/backup'
import { type Environment, platformVariables, readConfig, type Secret, secret, type Values, withCredentials } from '@slipway/config'
import { awsTokenRole, awsTokens, type Tls, type TokenSource } from '@slipway/db'
import { variablePrefix } from '@slipway/service'
import type { StorageOptions } from '@slipway/storage'
import { admin, backup, backupPassword, ownerPassword } from './command-variables.ts'
import type { Stores } from './environment.ts'
import { Failure } from './failure.ts'
import { type Home, homeOption } from './home.ts'
import { StackSecrets } from './secrets.ts'
import { readConnections } from './stack/connections.ts'
import { liveState } from './supervisor/state.ts'

export interface RolePasswords {
  readonly runtime?: string
  readonly system?: string
  readonly owner?: string
}

/** The stores that a command works on, whether this machine's stack or an installation that the environment names. */
export interface Target {
  /** For messages. */
  readonly name: string
  readonly database: TargetDatabase
  readonly redis: { readonly url: string; readonly caFile: string | null; readonly keyPrefix: string }
  readonly storage: StorageOptions
  readonly scanner: { readonly host: string; readonly port: number }
  passwords(service: string): RolePasswords
  readonly backupPassword: string | undefined
  readonly backups: Backups
}

export interface TargetDatabase {
  readonly adminUrl: string
  readonly tls?: Tls
  /** How all roles sign in where none has a password, and the role that lets them. */
  readonly tokens?: TokenSource
  readonly tokenRole?: string
}

/** Where backups go, and how long they stay. */
export interface Backups extends Retention {
  readonly vault: VaultOptions
  readonly createBucket: boolean
  /** Cron patterns, where backups are made by the clock. */
  readonly schedules: { readonly postgres: string | null; readonly objects: string | null }
}

/** The same that processes use when nobody says otherwise. */
const bucketPrefix = 'slipway-'
const keyPrefix = 'slipway'

/** The stores of a stack. Each is looked up when it is asked for, as they do not start at the same time. */
export function stackTarget(stores: Stores, secrets: StackSecrets): Target {
  return {
    name: 'the stack',
    get database() {
      return stores.postgres
    },
    get redis() {
      return { url: stores.redis.url, caFile: null, keyPrefix }
    },
    get storage() {
      return { ...stores.storage, pathStyle: true, bucketPrefix }
    },
    get scanner() {
      return stores.scanner
    },
    passwords: (service) => ({ runtime: secrets.get(`${service}.database.runtime`), system: secrets.get(`${service}.database.system`) }),
    backupPassword: secrets.get('database.backup'),
    get backups() {
      const vault = { ...stores.storage, pathStyle: true, bucket: `${bucketPrefix}backups` }
      return { vault, createBucket: true, keepDays: 14, keepAtLeast: 3, schedules: { postgres: null, objects: null } }
    },
  }
}

const variables = {
  database: platformVariables.database,
  redis: platformVariables.redis,
  storage: platformVariables.storage,
  scanner: platformVariables.scanner,
  backupPassword,
  backup,
  admin,
}

/** An installation by the variables that its processes have too. */
export function environmentTarget(environment: Environment): Target {
  // Variables of the command itself and of single processes are none of its business.
  const own = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SLIPWAY_')))
  const { database, redis, storage, scanner, backupPassword, backup, admin } = readConfig(variables, own)
  const keyless = database.auth === 'aws-iam'
  return {
    name: 'the installation that the environment names',
    database: {
      adminUrl: withCredentials(database.url, admin).reveal(),
      tls: { mode: database.tls, caFile: database.caFile },
      ...(keyless ? { tokens: awsTokens(database), tokenRole: awsTokenRole } : {}),
    },
    redis: { url: withCredentials(redis.url, redis).reveal(), caFile: redis.caFile, keyPrefix: redis.keyPrefix },
    storage: storageOptions(storage),
    scanner: { host: scanner.host, port: scanner.port },
    passwords: (service) => (keyless ? {} : passwordsFrom(own, service)),
    backupPassword: backupPassword?.reveal(),
    backups: backupsOf(backup, storageOptions(storage)),
  }
}

function backupsOf(settings: Values<typeof backup>, { bucketPrefix, ...own }: StorageOptions): Backups {
  const { bucket, endpoint, region, accessKey, secretKey, pathStyle, caFile, createBucket, keepDays, keepAtLeast } = settings
  const keys = { accessKey: revealed(accessKey), secretKey: revealed(secretKey) }
  const vault = bucket ? { bucket, endpoint, region, ...keys, pathStyle, caFile } : { ...own, bucket: `${bucketPrefix}backups` }
  const schedules = { postgres: settings.postgresSchedule, objects: settings.objectsSchedule }
  return { vault, createBucket, keepDays, keepAtLeast, schedules }
}

function storageOptions(settings: Values<typeof variables>['storage']): StorageOptions {
  const { endpoint, region, accessKey, secretKey, pathStyle, bucketPrefix, caFile } = settings
  return { endpoint, region, accessKey: revealed(accessKey), secretKey: revealed(secretKey), pathStyle, bucketPrefix, caFile }
}

function revealed(value: Secret | null): string | null {
  return value === null ? null : value.reveal()
}

function passwordsFrom(environment: Environment, service: string): RolePasswords {
  const prefix = variablePrefix(service)
  const tree = {
    runtime: secret(`${prefix}_DB_RUNTIME_PASSWORD`, { description: `Password of the role that serves the requests of ${service}` }),
    system: secret(`${prefix}_DB_SYSTEM_PASSWORD`, { description: `Password of the role for cross-tenant work of ${service}` }),
    owner: ownerPassword(service),
  }
  const { runtime, system, owner } = readConfig(tree, environment)
  return { runtime: runtime.reveal(), system: system.reveal(), ...(owner ? { owner: owner.reveal() } : {}) }
}

/**
 * What a command without further words works on: the stack of this home when it runs, else what the environment names.
 * @throws {Failure} when there is neither
 */
export function findTarget(home: Home, environment: Environment): Target {
  const target = findTargetIfAny(home, environment)
  if (target) return target
  if (liveState(home.state)) throw new Failure(`the stack in ${home.folder} is still starting`, { fix: 'wait a moment and try again' })
  throw new Failure(`no stack runs in ${home.folder} and DATABASE_URL is not set`, {
    fix: `start the stack with \`slipway up${homeOption(home)}\`, or set DATABASE_URL and the other variables of the installation`,
  })
}

/** As `findTarget`, but undefined where there is nothing to work on. While a stack starts, that is never what the environment names. */
export function findTargetIfAny(home: Home, environment: Environment): Target | undefined {
  if (liveState(home.state)) {
    const connections = readConnections(home)
    return connections && stackTarget(connections.stores, new StackSecrets(home.secrets))
  }
  return environment['DATABASE_URL'] || environment['DATABASE_URL_FILE'] ? environmentTarget(environment) : undefined
}

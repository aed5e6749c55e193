import {
  ConfigError,
  clientNames,
  type Environment,
  type PlatformConfig,
  platformVariables,
  readConfig,
  type Secret,
  secret,
  type VariableGroup,
  type VariableTree,
} from '@slipway/config'
import { combinationFaults } from './config-faults.ts'
import type { AnyManifest } from './manifest.ts'

/** The passwords with which one service's processes sign in to Postgres. */
export interface DatabasePasswords {
  /** Null where tokens stand in for them. */
  readonly runtime: Secret | null
  readonly system: Secret | null
}

/** What one process was told: the platform's part, and for each of its services its own part and its passwords. */
export interface ProcessConfig {
  readonly platform: PlatformConfig
  readonly services: Readonly<Record<string, { readonly own: never; readonly database: DatabasePasswords }>>
}

/** `files` → `FILES`: the first part of the names of a service's variables. */
export function variablePrefix(service: string): string {
  return service.toUpperCase().replaceAll('-', '_')
}

/** The variables that every service has because it has a schema. */
function databaseVariables(service: string, optional: boolean) {
  const prefix = variablePrefix(service)
  const password = (role: string, description: string) =>
    secret(`${prefix}_DB_${role}_PASSWORD`, { description, ...(optional ? { optional: true } : {}) })
  return {
    runtime: password('RUNTIME', `Password of the role that serves the requests of ${service}; none with DATABASE_AUTH=aws-iam`),
    system: password('SYSTEM', `Password of the role for cross-tenant work of ${service}; none with DATABASE_AUTH=aws-iam`),
  }
}

function serviceTree(manifest: AnyManifest, environment: Environment = {}): VariableTree {
  return { own: manifest.config, database: databaseVariables(manifest.name, environment['DATABASE_AUTH'] === 'aws-iam') }
}

/** Every variable of the platform and of the given services, for the generated documentation. */
export function variableGroups(manifests: readonly AnyManifest[]): VariableGroup[] {
  const services = manifests.map((manifest) => ({ title: `Service ${manifest.name}`, tree: serviceTree(manifest) }))
  return [{ title: 'Platform', tree: platformVariables }, ...services]
}

/**
 * Reads the environment of a process that runs the given services.
 * @throws {ConfigError} with every fault at once; what only several variables together do wrong is told once each is right
 */
export function readProcessConfig(manifests: readonly AnyManifest[], environment: Environment): ProcessConfig {
  const services = Object.fromEntries(manifests.map((manifest) => [manifest.name, serviceTree(manifest, environment)]))
  const { platform, services: own } = readConfig({ platform: platformVariables, services }, environment, { known: clientNames })
  const faults = combinationFaults(platform)
  if (faults.length > 0) throw new ConfigError(faults)
  return { platform, services: own as unknown as ProcessConfig['services'] }
}

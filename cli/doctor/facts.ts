import { type Environment, integer, platformVariables, readConfig, secret, url } from '@slipway/config'
import type { AnyManifest } from '@slipway/service'
import { cliCredential } from '../environment.ts'
import type { Home } from '../home.ts'
import { StackSecrets } from '../secrets.ts'
import { readConnections } from '../stack/connections.ts'
import type { StackState } from '../supervisor/state.ts'
import type { Target } from '../target.ts'
import type { Installation } from './fix.ts'

/** What of an installation is no store. Null: not known here, so not looked at. */
export interface Facts {
  readonly publicUrl: URL | null
  readonly identityUrl: URL | null
  /** What this command shows to identity. */
  readonly credential: string | null
  readonly collector: URL | null
  readonly isProduction: boolean
  readonly allowTestSignatures: boolean
  /** MaxFileSize of clamd, as processes were told. */
  readonly maxFileBytes: number
  /** The most that may be uploaded, by the variable that says it. */
  readonly uploads: readonly { readonly variable: string; readonly bytes: number }[]
}

/** What is to be looked at. */
export interface Subject {
  readonly target: Target
  readonly manifests: readonly AnyManifest[]
  readonly facts: Facts
  readonly installation: Installation
}

const { telemetry, environment: kind, scanner } = platformVariables
const variables = {
  kind,
  collector: telemetry.endpoint,
  allowTestSignatures: scanner.allowTestSignatures,
  maxFileBytes: scanner.maxFileBytes,
  publicUrl: url('SLIPWAY_PUBLIC_URL', { optional: true, protocols: ['http', 'https'], description: 'Where clients reach the platform' }),
  identityUrl: platformVariables.auth.identityUrl,
  credential: secret('SLIPWAY_SERVICE_CREDENTIAL', { optional: true, description: 'What this command shows to identity' }),
}
const mebibyte = 1_048_576
const uploadVariables = {
  files: integer('FILES_MAX_BYTES', { default: 1024 * mebibyte, min: 1, description: 'Bytes of one file at most' }),
  menu: integer('MENU_PHOTO_BYTES', { default: 20 * mebibyte, min: 1, description: 'Bytes of one photo at most' }),
}

/** Of an installation that the environment names. */
export function environmentFacts(environment: Environment, manifests: readonly AnyManifest[]): Facts {
  const known = new Set(Object.values({ ...variables, ...uploadVariables }).flatMap(({ name }) => [name, `${name}_FILE`]))
  const own = Object.fromEntries(Object.entries(environment).filter(([name]) => known.has(name)))
  const { kind, credential, limits, ...facts } = readConfig({ ...variables, limits: uploadVariables }, own)
  const uploads = Object.entries(uploadVariables)
    .filter(([service]) => manifests.some(({ name }) => name === service))
    .map(([service, { name }]) => ({ variable: name, bytes: limits[service as keyof typeof limits] }))
  return { ...facts, uploads, credential: credential?.reveal() ?? null, isProduction: kind === 'production' }
}

interface StackParts {
  readonly home: Home
  readonly environment: Environment
  readonly manifests: readonly AnyManifest[]
}

/** Of the stack of this machine, which gets what a developer has set. */
export function stackFacts(state: StackState, { home, environment, manifests }: StackParts): Facts {
  const { SLIPWAY_ENV: _kind, SLIPWAY_PUBLIC_URL: _url, SLIPWAY_IDENTITY_URL: _identity, ...rest } = environment
  const identity = readConnections(home)?.processes['identity-api']
  return {
    ...environmentFacts(rest, manifests),
    isProduction: false,
    allowTestSignatures: true,
    publicUrl: new URL(state.url),
    identityUrl: identity ? new URL(`http://127.0.0.1:${identity.internal}`) : null,
    credential: cliCredential(new StackSecrets(home.secrets)),
  }
}

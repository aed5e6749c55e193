import { type Environment, platformVariables, readConfig } from '@slipway/config'
import { files } from '@slipway/files'
import { identity } from '@slipway/identity'
import { menu } from '@slipway/menu'
import type { AnyManifest } from '@slipway/service'
import { Failure } from './failure.ts'

/** The services of an installation. A new service is one more line here, and nothing else in the command. */
export const services: readonly AnyManifest[] = [identity, files, menu]

/**
 * Those that the installation has which the environment names: SLIPWAY_SERVICES, or all.
 * @throws {Failure} for a name that none of ours has
 */
export function installedServices(environment: Environment): readonly AnyManifest[] {
  const { SLIPWAY_SERVICES = '' } = environment
  const { names } = readConfig({ names: platformVariables.services }, { SLIPWAY_SERVICES })
  if (names === null) return services
  const unknown = names.find((name) => services.every((service) => service.name !== name))
  if (unknown !== undefined) {
    const known = services.map(({ name }) => name).join(', ')
    throw new Failure(`SLIPWAY_SERVICES names a service "${unknown}"`, { fix: `known are ${known}` })
  }
  return services.filter(({ name }) => names.includes(name))
}

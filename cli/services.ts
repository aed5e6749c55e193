import { files } from '@slipway/files'
import { identity } from '@slipway/identity'
import { menu } from '@slipway/menu'
import type { AnyManifest } from '@slipway/service'

/** The services of an installation. A new service is one more line here, and nothing else in the command. */
export const services: readonly AnyManifest[] = [identity, files, menu]

export { withCredentials } from './credentials.ts'
export { configurationPage, environmentExample, type VariableGroup } from './document.ts'
export { clientNames, platformVariables } from './platform.ts'
export { ConfigError, type Environment, isVariable, nearestName, readConfig, type Values, type VariableTree, variables } from './read.ts'
export { Secret } from './secret.ts'
export { choice, decimal, flag, integer, list, secret, secretUrl, text, url, type Variable } from './variable.ts'

import type { platformVariables } from './platform.ts'
import type { Values } from './read.ts'

export type PlatformConfig = Values<typeof platformVariables>

/** The environment of this process. Nothing else in the code base touches `process.env`. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env
}

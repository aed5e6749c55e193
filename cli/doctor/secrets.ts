import { type Environment, variables } from '@slipway/config'
import { variableGroups } from '@slipway/service'
import { commandVariables } from '../command-variables.ts'
import { services } from '../services.ts'
import type { Target } from '../target.ts'

/** Shorter ones stand in other words, too. */
const shortest = 4

/** What must not be told, although drivers and servers put strange things into their messages. */
export function secretsOf(environment: Environment, target: Target | undefined): string[] {
  const groups = [...variableGroups(services).map(({ tree }) => tree), commandVariables(services)]
  const named = groups.flatMap((tree) => variables(tree).filter(({ secret }) => secret)).map(({ name }) => environment[name])
  const ofTarget = target ? [target.database.adminUrl, target.redis.url, target.storage.secretKey, target.backupPassword] : []
  const values = [...named, ...ofTarget].flatMap((value) => (value ? [value, ...passwordIn(value)] : []))
  return [...new Set(values)].filter((value) => value.length >= shortest).sort((a, b) => b.length - a.length)
}

function passwordIn(value: string): string[] {
  const password = URL.canParse(value) ? new URL(value).password : ''
  return password === '' ? [] : [password, decodeURIComponent(password)]
}

export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '…'), text)
}

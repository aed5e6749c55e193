import { processEnvironment } from '@slipway/config'
import { textOption, unknownWord } from '../arguments.ts'
import { type KubernetesSecret, type SecretsApi, secretsOfThisNamespace } from '../cluster/kubernetes.ts'
import { missingSecrets, optionalSecrets, type SecretValues } from '../cluster/secret-values.ts'
import type { Command } from '../command.ts'
import { exitCodes, Failure } from '../failure.ts'
import { services } from '../services.ts'

export const clusterSecrets: Command = {
  usage: 'cluster-secrets <name> [--without KEY,KEY]',
  options: { without: { type: 'string' } },
  words: [1, 1],
  async run(invocation) {
    const [name = ''] = invocation.words
    const wanted = wantedSecrets(textOption(invocation, 'without'))
    const added = await completeSecret(secretsOfThisNamespace(processEnvironment()), name, wanted)
    console.log(added.length === 0 ? `Secret ${name} is complete.` : `Secret ${name}: added ${added.join(', ')}`)
    return exitCodes.ok
  },
}

export interface WantedSecrets {
  readonly services: readonly string[]
  /** Keys that only the owner of a store knows: a value that was made up would be refused by it. */
  readonly without?: readonly string[]
}

/** @throws {Failure} for a key that nobody would make: most likely it is misspelt */
export function wantedSecrets(without: string | undefined): WantedSecrets {
  const names = services.map((service) => service.name)
  const known = optionalSecrets(names)
  const keys = without?.split(',').filter(Boolean) ?? []
  for (const key of keys) if (!known.includes(key)) throw unknownWord('key', key, known)
  return { services: names, without: keys }
}

const attempts = 5

/**
 * Adds what is missing and changes nothing else, also when two do it at a time: the patch names the version that was read.
 * @returns the names of what was added
 */
export async function completeSecret(api: SecretsApi, name: string, { services, without }: WantedSecrets): Promise<string[]> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const present = await api.get(name)
    const added = missingSecrets(decoded(present), services, without)
    const names = Object.keys(added).sort()
    if (names.length === 0) return []
    if (await write(api, { name, present, added })) return names
  }
  throw new Failure(`Secret ${name} was changed by somebody else each of ${attempts} times`, { fix: 'find out by whom, and run it again' })
}

interface Change {
  readonly name: string
  readonly present: KubernetesSecret | null
  readonly added: SecretValues
}

function write(api: SecretsApi, { name, present, added }: Change): Promise<boolean> {
  const data = Object.fromEntries(Object.entries(added).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  if (present) return api.patch({ metadata: { name, resourceVersion: present.metadata.resourceVersion ?? '' }, data })
  return api.create({ metadata: { name, labels: { 'app.kubernetes.io/part-of': 'slipway' } }, data })
}

function decoded(secret: KubernetesSecret | null): SecretValues {
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]),
  )
}

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { variablePrefix } from '@slipway/service'
import { missingSecrets } from '../cli/cluster/secret-values.ts'

/**
 * The secrets of an installation as files, each in the folder of those who may read it; what is there already stays. Files are named like
 * the variables that point at them with `NAME_FILE`. `node docker/secrets.ts FOLDER SERVICE…`
 */
const [folder = '/secrets', ...services] = process.argv.slice(2)

/** By the beginning of the name. The last that fits wins: services may well be called `s3`. */
const rooms: readonly (readonly [prefix: string, room: string])[] = [
  ['DATABASE_', 'postgres'],
  ['REDIS_', 'redis'],
  ['S3_', 'storage'],
  ['SLIPWAY_SERVICE_CALLERS', 'identity'],
  ['CLI_', 'tools'],
  ...services.map((name) => [`${variablePrefix(name)}_`, name] as const),
]

function roomOf(secret: string): string {
  const room = rooms.findLast(([prefix]) => secret.startsWith(prefix))?.[1]
  if (room === undefined) throw new Error(`nobody is known who may read ${secret}`)
  return room
}

function filesOf(room: string): string[] {
  mkdirSync(join(folder, room), { recursive: true })
  return readdirSync(join(folder, room)).filter((name) => /^[A-Z0-9_]+$/.test(name))
}

/** Readers have other users than the maker; who may read at all is a matter of who mounts the folder. */
function write(room: string, name: string, value: string): void {
  const file = join(folder, room, name)
  writeFileSync(`${file}.next`, value, { mode: 0o444 })
  renameSync(`${file}.next`, file)
}

const present = Object.fromEntries(
  [...new Set(rooms.map(([, room]) => room))].flatMap((room) =>
    filesOf(room).map((name) => [name, readFileSync(join(folder, room, name), 'utf8')] as const),
  ),
)
const added = missingSecrets(present, services)
for (const [name, value] of Object.entries(added)) write(roomOf(name), name, value)

/** Two stores read files of their own form. */
const { REDIS_PASSWORD, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey } = { ...present, ...added }
const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging']
write('redis', 'valkey.conf', `requirepass ${REDIS_PASSWORD}\n`)
write('storage', 's3.json', JSON.stringify({ identities: [{ name: 'slipway', credentials: [{ accessKey, secretKey }], actions }] }))
const names = Object.keys(added)
console.log(names.length === 0 ? 'All secrets are there.' : `Made ${names.join(', ')}.`)

import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { exitCodes, Failure } from './failure.ts'
import { shellWord } from './text.ts'

/** The root of the checkout. */
export const checkout: string = resolve(import.meta.dirname, '..')

export const defaultPort = 8800

/** Where one stack keeps its things. Two stacks have two homes and two ports, and share nothing. */
export interface Home {
  readonly folder: string
  readonly logs: string
  readonly run: string
  readonly state: string
  /** Held by the supervisor, from its first moment to its last. */
  readonly lock: string
  readonly secrets: string
  readonly devEnv: string
  readonly isDefault: boolean
}

/** @throws {Failure} when the name is empty, as that of an unset variable is */
export function homeAt(folder: string | undefined): Home {
  if (folder === '') throw new Failure('--home is empty', { fix: 'name a folder', exitCode: exitCodes.usage })
  const standard = join(checkout, '.slipway')
  const path = folder === undefined ? standard : resolve(folder)
  return {
    folder: path,
    logs: join(path, 'logs'),
    run: join(path, 'run'),
    state: join(path, 'run', 'state.json'),
    lock: join(path, 'run', 'supervisor.lock'),
    secrets: join(path, 'secrets.json'),
    devEnv: join(path, 'dev.env'),
    isDefault: path === standard,
  }
}

export function logFile(home: Home, name: string): string {
  return join(home.logs, `${name}.log`)
}

/** The folder itself is entered by the user that Postgres runs as when the command is run by root; what is private is closed by its own mode. */
export function makeHome(home: Home): void {
  refuseForeignFolder(home)
  mkdirSync(home.logs, { recursive: true, mode: 0o755 })
  mkdirSync(home.run, { recursive: true, mode: 0o755 })
}

/** What a start that failed early leaves; every other home has secrets. */
const firstFolders: readonly string[] = ['logs', 'run', 'secrets']

/**
 * A slip of the keyboard (`--home ~`) must not cost anybody their files: neither may a stack settle among them, nor `reset` delete them.
 * @throws {Failure} when there are files in the folder and they are not those of a stack
 */
export function refuseForeignFolder(home: Home): void {
  if (!existsSync(home.folder)) return
  const entries = readdirSync(home.folder)
  const isHome = existsSync(home.run) && existsSync(home.logs) && existsSync(home.secrets)
  if (isHome || entries.every((entry) => firstFolders.includes(entry))) return
  throw new Failure(`${home.folder} is not the home of a stack, and not empty`, { fix: 'name another folder with --home' })
}

/** The options that name this stack on a command line; empty for the one of the checkout. */
export function homeOption(home: Home): string {
  return home.isDefault ? '' : ` --home ${shellWord(home.folder)}`
}

import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The root of the checkout. */
export const checkout: string = resolve(import.meta.dirname, '..')

export const defaultPort = 8800

/** Where one stack keeps its things. Two stacks have two homes and two ports, and share nothing. */
export interface Home {
  readonly folder: string
  readonly logs: string
  readonly run: string
  readonly state: string
  readonly secrets: string
  readonly devEnv: string
  readonly isDefault: boolean
}

export function homeAt(folder: string | undefined): Home {
  const standard = join(checkout, '.slipway')
  const path = folder === undefined ? standard : resolve(folder)
  return {
    folder: path,
    logs: join(path, 'logs'),
    run: join(path, 'run'),
    state: join(path, 'run', 'state.json'),
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
  mkdirSync(home.logs, { recursive: true, mode: 0o755 })
  mkdirSync(home.run, { recursive: true, mode: 0o755 })
}

/** The options that name this stack on a command line; empty for the one of the checkout. */
export function homeOption(home: Home): string {
  return home.isDefault ? '' : ` --home ${home.folder}`
}

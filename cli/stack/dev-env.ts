import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fromShellWord, shellWord } from '../text.ts'

/** What a person needs to call the stack, by the names of the environment. */
export interface DevEnv {
  readonly SLIPWAY_URL: string
  readonly SLIPWAY_TENANT: string
  readonly SLIPWAY_EMAIL: string
  readonly SLIPWAY_PASSWORD: string
  readonly SLIPWAY_API_KEY: string
}

const names = ['SLIPWAY_URL', 'SLIPWAY_TENANT', 'SLIPWAY_EMAIL', 'SLIPWAY_PASSWORD', 'SLIPWAY_API_KEY'] as const

/** A file that shells can source; only its owner may read it. */
export function writeDevEnv(file: string, values: DevEnv): void {
  const next = `${file}.next`
  writeFileSync(next, devEnvText(values), { mode: 0o600 })
  renameSync(next, file)
}

export function devEnvText(values: DevEnv): string {
  return names.map((name) => `${name}=${shellWord(values[name])}\n`).join('')
}

/** Undefined when there is no such file or it is not complete. */
export function readDevEnv(file: string): DevEnv | undefined {
  if (!existsSync(file)) return undefined
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('='))
  const values = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), fromShellWord(line.slice(line.indexOf('=') + 1))]),
  )
  return names.every((name) => values[name]) ? (values as unknown as DevEnv) : undefined
}

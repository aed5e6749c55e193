import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Failure } from './failure.ts'

/** The secrets of one stack by name. Missing ones are made at random when they are first asked for, and then stay. */
export class StackSecrets {
  readonly #file: string
  readonly #values: Map<string, string>

  constructor(file: string) {
    this.#file = file
    this.#values = new Map(Object.entries(readSecrets(file)))
  }

  /** 256 bits in URL-safe characters: fits into a connection URL without escaping. */
  get(name: string): string {
    return this.#values.get(name) ?? this.#put(name, randomBytes(32).toString('base64url'))
  }

  /** Keys for AES-256: 32 bytes in standard base64. */
  key(name: string): string {
    return this.#values.get(name) ?? this.#put(name, randomBytes(32).toString('base64'))
  }

  #put(name: string, value: string): string {
    this.#values.set(name, value)
    const next = `${this.#file}.next`
    writeFileSync(next, `${JSON.stringify(Object.fromEntries(this.#values), null, 2)}\n`, { mode: 0o600 })
    renameSync(next, this.#file)
    return value
  }
}

function readSecrets(file: string): Record<string, string> {
  if (!existsSync(file)) return {}
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`, {
      fix: 'restore it, or run `slipway reset` to begin with new secrets and no data',
    })
  }
}

export function sha256Hex(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

import { existsSync } from 'node:fs'
import { readdir, readFile, rm, symlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { poll } from '../supervisor/poll.ts'
import { reach } from './way.ts'

/** A clamd of `startClamd` with a test database. */
export interface ClamdAt {
  readonly folder: string
  readonly port: number
}

export interface Reload {
  readonly signatures: number
  /** By its log, which tells whole seconds. */
  readonly seconds: number
}

const mostMilliseconds = 180_000

/** Beside the signatures that it has; it learns of them by the next reload. */
export async function putSignatures({ folder }: ClamdAt, from: string): Promise<void> {
  for (const name of await readdir(from)) await symlink(resolve(from, name), resolve(signaturesOf(folder), name))
}

export async function takeSignatures({ folder }: ClamdAt, from: string): Promise<void> {
  for (const name of await readdir(from)) await rm(resolve(signaturesOf(folder), name), { force: true })
}

/** Asks for a reload and waits for its end; null when there is none in time. */
export async function reload({ folder, port }: ClamdAt, signal: AbortSignal, within = mostMilliseconds): Promise<Reload | null> {
  const before = (await logged(folder)).length
  const socket = await reach(port)
  socket?.end('zRELOAD\0').resume()
  return poll(async () => reloadsIn((await logged(folder)).slice(before))[0] ?? null, { within, every: 200, signal })
}

const told = /^(.+) -> (?:Reading databases from .*|Database correctly reloaded \((\d+) signatures\))$/gm

/** Those that came to their end, from what clamd logs. */
export function reloadsIn(log: string): Reload[] {
  let began = Number.NaN
  const reloads: Reload[] = []
  for (const [, at = '', signatures] of log.matchAll(told)) {
    if (signatures === undefined) began = Date.parse(at)
    else reloads.push({ signatures: Number(signatures), seconds: (Date.parse(at) - began) / 1000 })
  }
  return reloads
}

async function logged(folder: string): Promise<string> {
  const file = resolve(folder, 'logs', 'clamd.log')
  return existsSync(file) ? await readFile(file, 'utf8') : ''
}

function signaturesOf(folder: string): string {
  return resolve(folder, 'clamd', 'signatures')
}

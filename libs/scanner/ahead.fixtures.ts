import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClamdPart, removeHome, startClamd } from '@slipway/stack'
import { createScanner, type Scanner } from './scanner.ts'

const mebibyte = 1_048_576

export interface OwnClamd extends AsyncDisposable {
  readonly part: ClamdPart
  readonly scanner: Scanner
}

/** A clamd that knows these signatures only: contents of database files by their names. */
export async function clamdWith(signatures: Record<string, string>, maxFileBytes = 16 * mebibyte): Promise<OwnClamd> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-ahead-'))
  const database = join(home, 'signatures')
  await mkdir(database)
  for (const [name, text] of Object.entries(signatures)) await writeFile(join(database, name), text)
  const part = await startClamd({ home, database, maxFileBytes })
  const { host, port } = part
  const scanner = createScanner({ host, port, connections: 64, queueSeconds: 60, idleSeconds: 30, maxFileBytes })
  return {
    part,
    scanner,
    async [Symbol.asyncDispose]() {
      await scanner[Symbol.asyncDispose]()
      await part.stop()
      await removeHome(home)
    },
  }
}

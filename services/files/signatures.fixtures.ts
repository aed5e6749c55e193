import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClamd } from '@slipway/stack'
import { tarGzOf, testScanner } from '@slipway/testing'

export interface MovingClamd extends AsyncDisposable {
  host: string
  port: number
  /** Gives clamd a new database of the day that finds these texts anywhere in a file, by the name of the signature. @returns its number */
  move(signatures?: Record<string, string>): Promise<number>
  /** Ends it without a word. */
  kill(): Promise<void>
}

const firstNumber = 27_000

/** A clamd of our own whose signatures move, as when freshclam has brought new ones. */
export async function movingClamd(): Promise<MovingClamd> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-signatures-'))
  const { maxFileBytes } = testScanner()
  const part = await startClamd({ home, signatures: 'test', maxFileBytes })
  const folder = join(home, 'clamd', 'signatures')
  let number = firstNumber
  const move = async (signatures: Record<string, string> = {}) => {
    number++
    const lines = Object.entries(signatures).map(([name, text]) => `${name}:0:*:${Buffer.from(text).toString('hex')}\n`)
    await writeFile(join(folder, 'malware.ndb'), lines.join('') || `Nothing:0:*:${'ab'.repeat(40)}\n`)
    await writeFile(join(folder, 'daily.cud'), databaseOfTheDay(number))
    await command(part.port, 'RELOAD')
    while (!(await command(part.port, 'VERSION')).includes(`/${number}/`));
    return number
  }
  await move()
  return {
    host: part.host,
    port: part.port,
    move,
    kill: async () => {
      process.kill(part.pid, 'SIGKILL')
      await part.exited
    },
    [Symbol.asyncDispose]: async () => {
      await part.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** As far as clamd can tell: it takes the number from its head. It has no signature of ClamAV's, for which its ending stands. */
function databaseOfTheDay(number: number): Buffer {
  const at = new Date()
  const head = `ClamAV-VDB:${at.toUTCString().slice(5, 16)} 00-00 +0000:${number}:1:90:X:X:test:${Math.floor(at.getTime() / 1000)}`
  const files = [
    { name: 'COPYING', content: 'for tests' },
    { name: 'daily.ndb', content: `Test-Daily:0:0:${'cd'.repeat(32)}\n` },
  ]
  const hash = (content: string) => createHash('sha256').update(content).digest('hex')
  const listed = files.map(({ name, content }) => `${name}:${content.length}:${hash(content)}\n`).join('')
  const content = tarGzOf([files[0], { name: 'daily.info', content: `${head}\n${listed}` }, files[1]].filter((file) => file !== undefined))
  return Buffer.concat([Buffer.from(head.padEnd(512)), content])
}

function command(port: number, word: 'RELOAD' | 'VERSION'): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(`z${word}\0`))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (reply += chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(reply))
  })
}

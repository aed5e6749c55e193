import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClamd } from '@slipway/stack'
import { scannerLimits } from '@slipway/testing'
import { signatureDatabase } from '@slipway/testing/signatures'

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
  const part = await startClamd({ home, signatures: 'test', ...scannerLimits })
  const folder = join(home, 'clamd', 'signatures')
  let number = firstNumber
  const move = async (signatures: Record<string, string> = {}) => {
    number++
    const lines = Object.entries(signatures).map(([name, text]) => `${name}:0:*:${Buffer.from(text).toString('hex')}\n`)
    await writeFile(join(folder, 'malware.ndb'), lines.join('') || `Nothing:0:*:${'ab'.repeat(40)}\n`)
    await writeFile(join(folder, 'daily.cud'), signatureDatabase({ number, at: new Date() }))
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

/** The way to a clamd that knows its version, and fails at every content: as when it has no memory left. */
export async function failingClamd({
  host,
  port,
}: Pick<MovingClamd, 'host' | 'port'>): Promise<AsyncDisposable & { host: string; port: number }> {
  const server = createServer((client) => {
    client.once('data', (chunk) => {
      if (!chunk.toString('latin1').startsWith('zINSTREAM')) {
        const onward = connect({ host, port }, () => onward.write(chunk))
        onward.pipe(client).on('error', () => onward.destroy())
        return
      }
      // An empty frame ends the content.
      const fail = (frames: Buffer) => frames.subarray(-4).equals(Buffer.alloc(4)) && client.end("stream: Can't allocate memory ERROR\0")
      client.on('data', fail)
      fail(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')),
  }
}

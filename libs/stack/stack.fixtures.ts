import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { removeHome, type SeaweedPart } from './index.ts'
import { processState } from './process-identity.ts'

export interface TemporaryHome extends AsyncDisposable {
  readonly path: string
}

/** A home that every user may enter, as one below a home directory on most systems. */
export async function temporaryHome(mode = 0o755): Promise<TemporaryHome> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-stack-'))
  await chmod(path, mode)
  return { path, [Symbol.asyncDispose]: () => removeHome(path) }
}

/** Makes the running part of a home look as if a stack had started it that was killed since. */
export async function orphan(home: string, name: string): Promise<void> {
  const file = join(home, 'run', `${name}.pid`)
  const record = JSON.parse(await readFile(file, 'utf8')) as { parent: { started: string } }
  await writeFile(file, JSON.stringify({ ...record, parent: { ...record.parent, started: 'long ago' } }))
}

/** Another process that imports this library, starts a part with `expression`, says its pid and stays. */
export async function otherProcess(expression: string): Promise<{ child: ChildProcess; partPid: number }> {
  const program = `import * as stack from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    const part = await stack.${expression}
    process.stdout.write(part.pid + '\\n')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) return { child, partPid: Number(line) }
  throw new Error('the other process ended without an answer')
}

export function gone(child: ChildProcess): Promise<void> {
  return new Promise((done) => child.once('exit', () => done()))
}

export async function isAlive(pid: number): Promise<boolean> {
  return (await processState(pid)) !== undefined
}

/** Numbers of the processes that run in a folder. Linux only. */
export async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  return pids.filter((_, index) => folders[index] === folder).map(Number)
}

/** Addresses that a process and its threads listen on, from the kernel. Linux only. */
export async function listeningAddresses(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`)
  const targets = await Promise.all(descriptors.map((descriptor) => readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')))
  const inodes = new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []))
  const tables = await Promise.all(['tcp', 'tcp6'].map((table) => readFile(`/proc/net/${table}`, 'utf8')))
  const sockets = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
  return sockets
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
    .map((fields) => (fields[1] ?? '').split(':')[0] ?? '')
}

/** 127.0.0.1 as /proc/net/tcp writes it. */
export const loopback = '0100007F'

export const onLinux = existsSync('/proc/net/tcp')

/** One S3 request, signed as AWS Signature Version 4 says, over an unsigned payload. */
export function s3(part: SeaweedPart, [method, path]: [method: string, path: string], body?: Buffer): Promise<Response> {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const headers = { host: new URL(part.endpoint).host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-date': date }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const request = [method, path, '', lines.join(''), names, 'UNSIGNED-PAYLOAD'].join('\n')
  const scope = `${date.slice(0, 8)}/${part.region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(request).digest('hex')].join('\n')
  const key = scope.split('/').reduce<Buffer>((secret, item) => hmac(secret, item), Buffer.from(`AWS4${part.secretKey}`))
  const authorization = `AWS4-HMAC-SHA256 Credential=${part.accessKey}/${scope}, SignedHeaders=${names}, Signature=${hmac(key, text).toString('hex')}`
  return fetch(`${part.endpoint}${path}`, {
    method,
    headers: { ...headers, authorization },
    ...(body ? { body: new Uint8Array(body) } : {}),
  })
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** Sends bytes to clamd as INSTREAM and answers its reply. */
export function instream(port: number, content: Buffer): Promise<string> {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return exchange(port, Buffer.concat([Buffer.from('zINSTREAM\0'), ...(content.length ? [length, content] : []), Buffer.alloc(4)]))
}

export function exchange(port: number, request: Buffer): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port })
    let reply = ''
    socket.on('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      reply += chunk.toString()
    })
    // A server that refuses may close before it has read all; its reply came before.
    socket.on('error', (error) => (reply ? undefined : fail(error)))
    socket.on('close', () => done(reply.replace(/\0$/, '')))
  })
}

/** Speaks SMTP line by line, waiting for each reply, and answers the last reply. */
export async function smtp(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]()
  const reply = async (): Promise<string> => {
    const { value } = await replies.next()
    return /^\d{3}-/.test(value ?? '') ? reply() : (value ?? '')
  }
  let last = await reply()
  for (const line of lines) {
    socket.write(`${line}\r\n`)
    last = await reply()
  }
  socket.destroy()
  return last
}

export function mailLines(mail: { from?: string; to: string[]; content: string }): string[] {
  const recipients = mail.to.map((address) => `RCPT TO:<${address}>`)
  return [
    'EHLO test',
    `MAIL FROM:<${mail.from ?? 'sender@example.com'}>`,
    ...recipients,
    'DATA',
    `${mail.content.replaceAll('\n', '\r\n')}\r\n.`,
  ]
}

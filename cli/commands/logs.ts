import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { textOption, unknownWord, usageFailure } from '../arguments.ts'
import type { Command } from '../command.ts'
import { exitCodes, Failure } from '../failure.ts'
import { type Home, homeAt } from '../home.ts'
import { pause } from '../supervisor/poll.ts'

export const logs: Command = {
  usage: 'logs [process] [--follow] [--lines N] [--home DIR]',
  options: { follow: { type: 'boolean', short: 'f' }, lines: { type: 'string', short: 'n' }, home: { type: 'string' } },
  words: [0, 1],
  async run(invocation) {
    const home = homeAt(textOption(invocation, 'home'))
    const names = chooseLogs(home, invocation.words[0])
    const lines = lineCount(textOption(invocation, 'lines'))
    const tails = names.map((name) => new LogTail(join(home.logs, `${name}.log`), names.length > 1 ? `${name} | ` : ''))
    const follows = invocation.values['follow'] === true
    for (const tail of tails) print(follows ? tail.last(lines) : tail.all(lines))
    if (follows) await follow(tails)
    return exitCodes.ok
  },
}

function chooseLogs(home: Home, name: string | undefined): string[] {
  const names = existsSync(home.logs)
    ? readdirSync(home.logs)
        .filter((file) => file.endsWith('.log'))
        .map((file) => file.slice(0, -4))
        .sort()
    : []
  if (names.length === 0) throw new Failure(`there are no logs in ${home.logs}`, { fix: 'start the stack with `slipway up`' })
  if (name === undefined) return names
  if (!names.includes(name)) throw unknownWord('process', name, names)
  return [name]
}

function lineCount(value: string | undefined): number {
  if (value === undefined) return 50
  if (/^\d{1,6}$/.test(value)) return Number(value)
  throw usageFailure(`--lines is "${value}"`, 'give a whole number')
}

/** Bytes that are looked at together on the way back from the end of a log. */
const step = 64 * 1024

/** Reads a log from its end on, line by line; goes on when the file was rotated. */
export class LogTail {
  readonly #file: string
  readonly #prefix: string
  #decoder = new StringDecoder('utf8')
  #inode = 0
  #offset = 0
  #rest = ''

  constructor(file: string, prefix: string) {
    this.#file = file
    this.#prefix = prefix
  }

  /** The last whole lines. What comes after them is `next`. */
  last(count: number): string[] {
    const lines = this.#lines((descriptor, size) => startOfLines(descriptor, size, count))
    return count === 0 ? [] : lines.slice(-count)
  }

  /** Whole lines that were added since. */
  next(): string[] {
    return this.#lines(() => this.#offset)
  }

  /** The last lines with one that has no end, as a process leaves it that dies while it writes. */
  all(count: number): string[] {
    const lines = this.last(count)
    if (this.#rest !== '') lines.push(this.#prefix + this.#rest)
    return count === 0 ? [] : lines.slice(-count)
  }

  #lines(start: (descriptor: number, size: number) => number): string[] {
    if (!existsSync(this.#file)) return []
    const descriptor = openSync(this.#file, 'r')
    try {
      const { ino, size } = fstatSync(descriptor)
      if (ino !== this.#inode || size < this.#offset) this.#beginAnew(ino)
      this.#offset = start(descriptor, size)
      const lines = (this.#rest + this.#decoder.write(this.#read(descriptor, size))).split('\n')
      this.#rest = lines.pop() ?? ''
      return lines.map((line) => this.#prefix + line)
    } finally {
      closeSync(descriptor)
    }
  }

  #read(descriptor: number, size: number): Buffer {
    const buffer = Buffer.alloc(size - this.#offset)
    this.#offset += readSync(descriptor, buffer, 0, buffer.length, this.#offset)
    return buffer
  }

  #beginAnew(inode: number): void {
    this.#inode = inode
    this.#offset = 0
    this.#rest = ''
    this.#decoder = new StringDecoder('utf8')
  }
}

/** Where the last lines of a file begin. Only they are read: a log may have grown larger than the memory. */
function startOfLines(descriptor: number, size: number, count: number): number {
  const buffer = Buffer.alloc(step)
  let wanted = count + 1
  for (let end = size; end > 0; end -= step) {
    const start = Math.max(0, end - step)
    const length = readSync(descriptor, buffer, 0, end - start, start)
    for (let at = buffer.lastIndexOf(newline, length - 1); at >= 0; at = at === 0 ? -1 : buffer.lastIndexOf(newline, at - 1)) {
      wanted--
      if (wanted === 0) return start + at + 1
    }
  }
  return 0
}

const newline = 10

/** Until the reader of our output goes away or Ctrl-C. */
async function follow(tails: readonly LogTail[]): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.stdout.once('error', () => stop.abort())
  while (!stop.signal.aborted) {
    for (const tail of tails) print(tail.next())
    await pause(200, stop.signal).catch(() => undefined)
  }
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

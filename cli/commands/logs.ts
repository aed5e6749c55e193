import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
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
    for (const tail of tails) print(tail.last(lines))
    if (invocation.values['follow'] === true) await follow(tails)
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

/** Reads a log from its end on, line by line; goes on when the file was rotated. */
export class LogTail {
  readonly #file: string
  readonly #prefix: string
  #offset = 0
  #rest = ''

  constructor(file: string, prefix: string) {
    this.#file = file
    this.#prefix = prefix
  }

  /** The last lines. What comes after them is `next`. */
  last(count: number): string[] {
    const text = this.#read()
    return count === 0 ? [] : this.#lines(text).slice(-count)
  }

  /** Whole lines that were added since. */
  next(): string[] {
    return this.#lines(this.#read())
  }

  #lines(text: string): string[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.map((line) => this.#prefix + line)
  }

  #read(): string {
    if (!existsSync(this.#file)) return ''
    const descriptor = openSync(this.#file, 'r')
    try {
      const { size } = fstatSync(descriptor)
      if (size < this.#offset) this.#offset = 0
      const buffer = Buffer.alloc(size - this.#offset)
      this.#offset += readSync(descriptor, buffer, 0, buffer.length, this.#offset)
      return buffer.toString('utf8')
    } finally {
      closeSync(descriptor)
    }
  }
}

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

import { parseArgs } from 'node:util'
import { nearestName } from '@slipway/config'
import type { Command, Invocation } from './command.ts'
import { exitCodes, Failure } from './failure.ts'

export function usageFailure(message: string, fix: string): Failure {
  return new Failure(message, { fix, exitCode: exitCodes.usage })
}

/** "did you mean" for a word that is none of the known ones. */
export function unknownWord(kind: string, word: string, known: readonly string[]): Failure {
  const nearest = nearestName(word, known)
  const choices = `one of: ${known.join(', ')}`
  return usageFailure(`unknown ${kind} "${word}"`, nearest ? `did you mean "${nearest}"? (${choices})` : choices)
}

/**
 * The arguments of one command, checked against its declaration.
 * @throws {Failure} with exit code 2 that names the wrong argument and the nearest right one
 */
export function parseInvocation(name: string, command: Command, args: readonly string[]): Invocation {
  refuseUnknownOptions(command, args)
  const { values, positionals } = strictly(command, args)
  const [least, most] = command.words ?? [0, 0]
  const first = positionals[0]
  if (first !== undefined && most === 0)
    throw usageFailure(`${name} takes no argument, but got "${first}"`, `usage: slipway ${command.usage}`)
  if (first !== undefined && command.choices && !command.choices.includes(first))
    throw unknownWord(`argument of ${name}`, first, command.choices)
  if (positionals.length < least || positionals.length > most) {
    throw usageFailure(`${name} got ${positionals.length} argument(s)`, `usage: slipway ${command.usage}`)
  }
  return { values, words: positionals }
}

function refuseUnknownOptions(command: Command, args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], options: command.options, strict: false, allowPositionals: true, tokens: true })
  const known = Object.keys(command.options).map((option) => `--${option}`)
  const shorts = Object.values(command.options).flatMap((option) => (option.short ? [`-${option.short}`] : []))
  for (const token of tokens) {
    if (token.kind !== 'option' || known.includes(token.rawName) || shorts.includes(token.rawName)) continue
    throw known.length > 0
      ? unknownWord('option', token.rawName, known)
      : usageFailure(`unknown option "${token.rawName}"`, `usage: slipway ${command.usage}`)
  }
}

type Values = Record<string, string | boolean | undefined>

function strictly(command: Command, args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    const parsed = parseArgs({ args: [...args], options: command.options, strict: true, allowPositionals: true })
    return { values: parsed.values as Values, positionals: parsed.positionals }
  } catch (error) {
    throw usageFailure((error as Error).message.split('. ')[0] ?? 'wrong arguments', `usage: slipway ${command.usage}`)
  }
}

/** A string option, or undefined when it was not given. */
export function textOption(invocation: Invocation, name: string): string | undefined {
  const value = invocation.values[name]
  return typeof value === 'string' ? value : undefined
}

/** A port option. Ports below 1024 need privileges that a developer's stack should not have. */
/** @throws {Failure} when it is no whole number of seconds */
export function secondsOption(invocation: Invocation, name: string): number | undefined {
  const raw = textOption(invocation, name)
  if (raw === undefined || /^\d{1,5}$/.test(raw)) return raw === undefined ? undefined : Number(raw)
  throw usageFailure(`--${name} is "${raw}"`, 'give a whole number of seconds')
}

export function portOption(invocation: Invocation, fallback: number, name = 'port'): number {
  const raw = textOption(invocation, name)
  if (raw === undefined) return fallback
  const port = Number(raw)
  if (/^\d+$/.test(raw) && port >= 1024 && port <= 65_535) return port
  throw usageFailure(`--${name} is "${raw}"`, 'give a whole number from 1024 to 65535')
}

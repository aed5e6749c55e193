import type { ParseArgsConfig } from 'node:util'

export type Options = NonNullable<ParseArgsConfig['options']>

/** What a command gets: option values by name (already checked against the declaration) and the words after the options. */
export interface Invocation {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly words: readonly string[]
}

export interface Command {
  /** As in `help`: `up [--port N] [--home DIR] [--detach]`. */
  readonly usage: string
  readonly options: Options
  /** How many words are accepted, at least and at most. */
  readonly words?: readonly [least: number, most: number]
  /** The names a first word may have, for commands that have sub-commands. */
  readonly choices?: readonly string[]
  /** Returns the exit code. */
  run(invocation: Invocation): Promise<number>
}

export const homeOptionOnly = { home: { type: 'string' } } as const satisfies Options

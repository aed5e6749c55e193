/** Exit codes of the command, as shells and service managers read them. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notRunning: 3, interrupted: 130 } as const

interface FailureOptions {
  /** What to do about it, as an instruction. */
  fix?: string
  exitCode?: number
  cause?: unknown
}

/** A failure that is explained to the person at the terminal: the thing, the reason, the fix. No stack trace is shown for it. */
export class Failure extends Error {
  readonly fix: string | undefined
  readonly exitCode: number

  constructor(message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause })
    this.name = 'Failure'
    this.fix = options.fix
    this.exitCode = options.exitCode ?? exitCodes.failed
  }
}

/** Any thrown value in the words of a failure. Errors of the libraries that tell `what` and `fix` apart keep both. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (!(error instanceof Error)) return new Failure(`Something failed: ${String(error)}`)
  const what = 'what' in error && typeof error.what === 'string' ? error.what : error.message
  const fix = 'fix' in error && typeof error.fix === 'string' ? error.fix : fixOfSystemError(error)
  return new Failure(what, { cause: error, ...(fix ? { fix } : {}) })
}

const room = 'free some disk space, or choose a home on another disk with --home'
const right = 'choose another --home, or run this as the user that it belongs to'
const fixes: Readonly<Record<string, string>> = { ENOSPC: room, EDQUOT: room, EACCES: right, EPERM: right, EROFS: right, ENOTDIR: right }

/** What helps when a file cannot be read or written. */
function fixOfSystemError(error: Error): string | undefined {
  const { code, path, syscall } = error as NodeJS.ErrnoException
  const isOfFile = (path !== undefined || syscall === 'write') && !syscall?.startsWith('spawn')
  return code !== undefined && isOfFile ? fixes[code] : undefined
}

/** The failure as lines for stderr. */
export function renderFailure(failure: Failure): string {
  return `slipway: ${failure.message}${failure.fix ? `\n  fix: ${failure.fix}` : ''}`
}

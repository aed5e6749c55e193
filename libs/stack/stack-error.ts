export type StackErrorCode =
  | 'port-in-use'
  | 'missing-program'
  | 'disk-full'
  | 'not-permitted'
  | 'already-running'
  | 'start-failed'
  | 'download-failed'
  | 'damaged'

/** Something on this machine stands in the way. `what` names the thing and its value, `fix` what a person can do about it. */
export class StackError extends Error {
  readonly code: StackErrorCode
  readonly what: string
  readonly fix: string

  constructor(code: StackErrorCode, text: { what: string; fix: string; cause?: unknown }) {
    super(`${text.what}: ${text.fix}`, { cause: text.cause })
    this.name = 'StackError'
    this.code = code
    this.what = text.what
    this.fix = text.fix
  }
}

/** The `code` of a system error (`EACCES`, `ENOENT`, …), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

import { setTimeout as wait } from 'node:timers/promises'
import { isProblem, type Problem, problem } from '@slipway/problem'
import { DrizzleQueryError } from 'drizzle-orm'
import { DatabaseError } from 'pg'

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ETOKEN', // no token to sign in with
])

/** SQLSTATEs (appendix A of the Postgres manual) that another try may not meet: whole classes by their first two characters. */
const passingClasses = new Set(['08', '53', '58'])
const passingStates = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '57014', // query_canceled, also by statement_timeout
  '55P03', // lock_not_available
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '28000', // wrong role or password: seen while passwords are rotated
  '28P01',
  '3D000', // database missing: seen while one is restored
  '25006', // read_only_sql_transaction: the old primary after a failover
])

/** What `pg` throws without a code. */
const passingMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after|The server does not support SSL)/

/**
 * `database.unavailable` for failures that come from the connection, from time limits or from another transaction; every other value
 * is returned as it is. Query parameters are removed from the error, as they carry what people typed and end up in logs.
 */
export function dbProblem(error: unknown): unknown {
  hideParameters(error)
  if (isProblem(error)) return error
  return chain(error).some(isPassing) ? unavailable(error) : error
}

/** Whether it came out of a query: errors of other systems have the same codes (`ECONNREFUSED`) and are none of our business. */
export function isDatabaseError(error: unknown): boolean {
  return chain(error).some((cause) => cause instanceof DrizzleQueryError || cause instanceof DatabaseError)
}

/** Whether a unique constraint or index refused the row; by name when given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const violation = databaseError(error)
  return violation?.code === '23505' && (constraint === undefined || violation.constraint === constraint)
}

/** Whether a foreign key refused the row; by name when given. */
export function isForeignKeyViolation(error: unknown, constraint?: string): boolean {
  const violation = databaseError(error)
  return violation?.code === '23503' && (constraint === undefined || violation.constraint === constraint)
}

/** Runs `work` again when Postgres chose it as the victim of a deadlock or of a serialization conflict. */
export async function retryConflicts<T>(work: () => Promise<T>, attempts = 3): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const code = databaseError(error)?.code
      if (attempt >= attempts || (code !== '40001' && code !== '40P01')) throw error
      await wait(Math.random() * 20 * attempt)
    }
  }
}

export function databaseError(error: unknown): DatabaseError | undefined {
  return chain(error).find((cause) => cause instanceof DatabaseError)
}

/** For whatever kept a connection from being made, certificates included. */
export function unavailable(cause: unknown): Problem {
  return problem('database.unavailable', { detail: 'The database did not answer in time or refused the connection', retryAfter: 2, cause })
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof DatabaseError && code) return passingStates.has(code) || passingClasses.has(code.slice(0, 2))
  return (code !== undefined && networkCodes.has(code)) || passingMessages.test(error.message)
}

function hideParameters(error: unknown): void {
  for (const cause of chain(error)) {
    if (!(cause instanceof DrizzleQueryError)) continue
    cause.message = `Failed query: ${cause.query}`
    cause.params = []
  }
}

/** The error and its causes, outermost first. */
function chain(error: unknown): unknown[] {
  const causes: unknown[] = []
  for (let cause = error; cause instanceof Error && causes.length < 10; cause = cause.cause) causes.push(cause)
  return causes
}

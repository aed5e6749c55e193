import { problem } from '@slipway/problem'
import { DrizzleQueryError } from 'drizzle-orm'
import { DatabaseError } from 'pg'
import { describe, expect, it } from 'vitest'
import { dbProblem, isForeignKeyViolation, isUniqueViolation, retryConflicts } from './index.ts'

function databaseError(code: string, extra: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError('refused', 1, 'error'), { code, ...extra })
}

describe('dbProblem', () => {
  it.each(['57P01', '57P03', '53300', '08006', '57014', '55P03', '40001', '28P01'])('calls SQLSTATE %s unavailable', (code) => {
    expect(dbProblem(databaseError(code))).toMatchObject({ code: 'database.unavailable', cause: { code } })
    expect(dbProblem(new DrizzleQueryError('select 1', [], databaseError(code)))).toMatchObject({ code: 'database.unavailable' })
  })

  it.each(['23505', '42P01', '42501', '22P02', 'P0001'])('leaves SQLSTATE %s alone', (code) => {
    const error = databaseError(code)
    expect(dbProblem(error)).toBe(error)
  })

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT'])('calls %s unavailable', (code) => {
    expect(dbProblem(Object.assign(new Error(code), { code }))).toMatchObject({ code: 'database.unavailable' })
  })

  it.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect', 'Query read timeout'])(
    'knows "%s", which has no code',
    (message) => {
      expect(dbProblem(new Error(message))).toMatchObject({ code: 'database.unavailable' })
    },
  )

  it('keeps problems and values that are no errors', () => {
    const own = problem('name.taken', { cause: databaseError('57P01') })
    expect(dbProblem(own)).toBe(own)
    expect(dbProblem('text')).toBe('text')
    expect(dbProblem(undefined)).toBeUndefined()
  })

  it('takes the parameters out of a failed query, wherever it stands', () => {
    const query = new DrizzleQueryError('insert into keys values ($1)', ['hunter2'], databaseError('22P02'))
    const error = dbProblem(new Error('outer', { cause: query }))
    expect(error).toBeInstanceOf(Error)
    expect(query).toMatchObject({ message: 'Failed query: insert into keys values ($1)', params: [] })
  })
})

describe('violations', () => {
  it('are found by code and name through wrappers', () => {
    const unique = new Error('outer', { cause: new DrizzleQueryError('q', [], databaseError('23505', { constraint: 'files_name_key' })) })
    expect(isUniqueViolation(unique)).toBe(true)
    expect(isUniqueViolation(unique, 'files_name_key')).toBe(true)
    expect(isUniqueViolation(unique, 'other')).toBe(false)
    expect(isForeignKeyViolation(unique)).toBe(false)
    expect(isForeignKeyViolation(databaseError('23503', { constraint: 'files_folder_fkey' }), 'files_folder_fkey')).toBe(true)
    expect(isUniqueViolation('23505')).toBe(false)
  })
})

describe('retryConflicts', () => {
  it('tries again on deadlocks and serialization failures, a limited number of times', async () => {
    let calls = 0
    const always = retryConflicts(() => {
      calls++
      return Promise.reject(databaseError(calls % 2 ? '40001' : '40P01'))
    }, 4)
    await expect(always).rejects.toMatchObject({ code: '40P01' })
    expect(calls).toBe(4)
  })

  it('recognises them behind database.unavailable, and passes other errors on at once', async () => {
    const failures = [dbProblem(databaseError('40001'))]
    expect(await retryConflicts(() => (failures.length > 0 ? Promise.reject(failures.pop() as Error) : Promise.resolve('done')))).toBe(
      'done',
    )
    let calls = 0
    const other = retryConflicts(() => Promise.reject(databaseError(++calls ? '23505' : '')))
    await expect(other).rejects.toMatchObject({ code: '23505' })
    expect(calls).toBe(1)
  })
})

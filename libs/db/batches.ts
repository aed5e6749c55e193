import type { QueryResultRow } from 'pg'
import type { Database } from './connect.ts'
import { dbProblem } from './error.ts'

/**
 * Rows of a query that may have millions, by a cursor: one batch is in memory at a time, all of one moment. Holds a connection, and what
 * the query sees alive, until it is read to its end or left (`break`).
 * @throws database.unavailable
 */
export async function* inBatches<Row extends QueryResultRow>(
  { pool }: Pick<Database, 'pool'>,
  query: string,
  size = 1000,
): AsyncGenerator<Row[]> {
  const client = await pool.connect().catch((error: unknown) => Promise.reject(dbProblem(error)))
  let broken: unknown
  try {
    await client.query('begin read only')
    await client.query(`declare batches no scroll cursor for ${query}`)
    for (;;) {
      const { rows } = await client.query<Row>(`fetch ${size} from batches`)
      if (rows.length > 0) yield rows
      if (rows.length < size) return
    }
  } catch (error) {
    broken = error
    throw dbProblem(error)
  } finally {
    await client.query('rollback').catch((error: unknown) => {
      broken ??= error
    })
    client.release(broken instanceof Error ? broken : undefined)
  }
}

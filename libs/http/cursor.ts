import { problem } from '@slipway/problem'
import { z } from 'zod'

/** Spread into the query of a list: `query: z.object({ ...pageQuery, folderId: … })`. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(50).describe('Items on a page'),
  cursor: z.string().min(1).max(2048).optional().describe('`nextCursor` of the page before'),
}

export interface Page<Item> {
  items: Item[]
  /** Null on the last page. */
  nextCursor: string | null
}

/** The answer of a list, for `responses`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

/** Opaque to clients: base64url of JSON. It holds the position of the last item in the list's order, and must end in a unique column. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/**
 * The position behind a cursor, or null on the first page. A cursor is no secret and no proof: what it says is data from the client,
 * and the query still has to be bound to the tenant.
 * @throws request.parameters-invalid with the pointer /query/cursor
 */
export function decodeCursor<Schema extends z.ZodType>(cursor: string | undefined, schema: Schema): z.output<Schema> | null {
  if (cursor === undefined) return null
  const result = schema.safeParse(fromBase64(cursor))
  if (result.success) return result.data
  throw problem('request.parameters-invalid', {
    detail: 'the cursor does not belong to this list: start again without one',
    errors: [{ pointer: '/query/cursor', detail: 'is not a cursor of this list' }],
  })
}

function fromBase64(text: string): unknown {
  try {
    return /^[\w-]+$/.test(text) ? JSON.parse(Buffer.from(text, 'base64url').toString('utf8'), refuseNul) : undefined
  } catch {
    return undefined
  }
}

/** Postgres has no NUL. */
function refuseNul(_name: string, value: unknown): unknown {
  if (typeof value === 'string' && value.includes('\0')) throw new TypeError('NUL in a cursor')
  return value
}

interface PageOptions<Item> {
  /** One more than `limit` were asked for, so that the last page is known without counting. */
  items: readonly Item[]
  limit: number
  /** Position of an item in the order of the list. */
  cursorOf: (item: Item) => unknown
}

/** `rows = await …limit(limit + 1)`, then `page({ items: rows, limit, cursorOf })`. */
export function page<Item>({ items, limit, cursorOf }: PageOptions<Item>): Page<Item> {
  const shown = items.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown, nextCursor: items.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null }
}

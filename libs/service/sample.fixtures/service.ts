import type { Database } from '@slipway/db'
import { newId } from '@slipway/db'
import { reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { defineQueue, enqueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { defineService } from '../manifest.ts'

/** A whole service in one file: notes, and a job that shouts them. */
export interface NotesContext {
  readonly database: Database
}

const payload = z.object({ version: z.literal(1), tenantId: z.uuid(), noteId: z.uuid() })

export const shouting = defineQueue({
  name: 'note-shouting',
  payload,
  attempts: 2,
  backoff: exponential(seconds(1)),
  timeout: minutes(1),
  concurrency: 2,
  rate: null,
  keep: { completed: hours(1), failed: hours(1) },
  deadLetter: true,
  processor: () => import('./shouting.processor.ts'),
})
export type Shouting = z.output<typeof payload>

const route = routesFor<NotesContext>()
const note = z.object({ id: z.uuid(), body: z.string(), shouted: z.string().nullable() })

const createNote = route(
  {
    method: 'POST',
    path: '/api/v1/notes',
    operation: 'notes.create',
    summary: 'Write a note and have it shouted',
    auth: { role: 'member', scope: 'notes:write' },
    body: z.object({ body: z.string().min(1) }),
    responses: { 202: { description: 'Written', schema: z.object({ id: z.uuid() }) } },
  },
  async ({ body, tenant, idempotency }, { database }) => {
    const id = newId()
    const answer = reply(202, { id })
    await database.tenantTransaction(tenant.id, async (tx) => {
      await tx.execute(sql`insert into notes.notes (id, tenant_id, body) values (${id}, ${tenant.id}, ${body.body})`)
      await enqueue(tx, shouting, { version: 1, tenantId: tenant.id, noteId: id })
      await idempotency.complete(tx, answer)
    })
    return answer
  },
)

const getNote = route(
  {
    method: 'GET',
    path: '/api/v1/notes/{id}',
    operation: 'notes.get',
    summary: 'Read a note',
    auth: { role: 'viewer', scope: 'notes:read' },
    params: z.object({ id: z.uuid() }),
    responses: { 200: { description: 'The note', schema: note } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, { database }) => {
    const { rows } = await database.tenantTransaction(tenant.id, (tx) =>
      tx.execute<{ id: string; body: string; shouted: string | null }>(
        sql`select id, body, shouted from notes.notes where id = ${params.id}`,
      ),
    )
    if (!rows[0]) throw problem('resource.not-found')
    return reply(200, rows[0])
  },
)

export const notes = defineService({
  name: 'notes',
  title: 'Notes',
  description: 'A service for tests',
  config: {},
  migrations: new URL('./migrations/', import.meta.url),
  buckets: ['notes'],
  routes: [createNote, getNote],
  queues: [shouting],
  schedules: [],
  context: ({ database }): NotesContext => ({ database }),
})

import { reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { enqueue } from '@slipway/queue'
import type { FilesContext } from '../context.ts'
import { audit } from '../domain/author.ts'
import { requireLiveFile } from '../domain/files.ts'
import { fileRescan } from '../jobs/file-rescan.ts'
import { authorOf } from './author.ts'
import { etagOf, File, fileBody, fileExample, IdParams } from './representation.ts'

const route = routesFor<FilesContext>()

export const rescanRoute = route(
  {
    method: 'POST',
    path: '/api/v1/files/{id}/rescan',
    operation: 'files.rescan',
    summary: 'Have a file looked at again',
    description:
      'By the signatures of now; the platform does so by itself when they move. `scan` of the file tells when it was done. What turns out infected is not readable any more from then on.',
    tags: ['files'],
    auth: { role: 'member', scope: 'files:write' },
    params: IdParams,
    responses: {
      202: {
        description: 'Asked for; the file is as it was before',
        schema: File,
        example: fileExample,
        headers: { location: 'The file', etag: 'For If-Match' },
      },
    },
    problems: ['resource.not-found', 'file.not-readable'],
    rate: { name: 'file-rescan', limit: 60, seconds: 60, by: 'principal' },
  },
  async (input, context) => {
    const { params, tenant } = input
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      const row = await requireLiveFile(tx, params.id)
      if (row.verdict !== 'clean') {
        throw problem('file.not-readable', { detail: 'the verdict is still to come', verdict: row.verdict })
      }
      await enqueue(tx, fileRescan, { version: 1, tenantId: tenant.id, fileId: row.id, requested: true })
      await audit(tx, authorOf(input), { action: 'file.rescan-requested', subject: { type: 'file', id: row.id } })
      const accepted = reply(202, fileBody(row, new Date(context.now())), {
        headers: { location: `/api/v1/files/${row.id}`, etag: etagOf(row) },
      })
      await input.idempotency.complete(tx, accepted)
      return accepted
    })
  },
)

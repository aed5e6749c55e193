import { reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { readTrash, readUsage } from '../domain/quota.ts'

const route = routesFor<FilesContext>()
const Amount = z.object({ bytes: z.int(), files: z.int() })

export const getUsage = route(
  {
    method: 'GET',
    path: '/api/v1/files/usage',
    operation: 'files.usage',
    summary: 'What is used of the quota',
    description: 'The trash counts until it is purged, and what resumable uploads have announced until they end.',
    tags: ['files'],
    auth: { role: 'viewer', scope: 'files:read' },
    responses: {
      200: {
        description: 'Usage and quota',
        schema: z.object({ used: Amount, quota: Amount, trash: Amount.describe('Part of what is used') }),
        example: {
          used: { bytes: 48_213, files: 1 },
          quota: { bytes: 10_737_418_240, files: 100_000 },
          trash: { bytes: 0, files: 0 },
        },
      },
    },
  },
  async ({ tenant }, context) => {
    const { used, trash } = await context.database.tenantTransaction(
      tenant.id,
      async (tx) => ({ used: await readUsage(tx, tenant.id), trash: await readTrash(tx) }),
      { readOnly: true },
    )
    return reply(200, { used, trash, quota: context.limits.quota })
  },
)

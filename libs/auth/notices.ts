import { problem } from '@slipway/problem'
import { z } from 'zod'
import { tenantRoles } from './principal.ts'

const facts = z.record(z.string().max(40), z.string().max(200))

/** Body of `POST /internal/v1/notices`. */
export const noticeRequest = z.strictObject({
  /** A notice is sent once, however often it is asked for. */
  key: z.string().min(1).max(100),
  tenantId: z.uuid(),
  kind: z.enum(['files-infected']),
  /** Everybody who has one of these roles is told `facts`. */
  roles: z.array(z.enum(tenantRoles)).max(tenantRoles.length),
  facts,
  /** Others, each with facts of their own: `user:<id>`, or `key:<id>` for its maker. Who has one of the roles is told once, by that. */
  people: z.array(z.strictObject({ principal: z.string().max(300), facts })).max(500),
})

export type NoticeRequest = z.output<typeof noticeRequest>

/** Tells people of a tenant something by mail. Services have no addresses: identity finds them. */
export interface Notices {
  /** @throws `identity.unavailable` */
  send(notice: NoticeRequest): Promise<void>
}

interface NoticesOptions {
  /** The internal listener of identity. */
  readonly url: string
  /** `<service>.<secret>` of the calling service. */
  readonly credential: string
  readonly timeoutMilliseconds?: number
}

export function createNotices({ url, credential, timeoutMilliseconds = 10_000 }: NoticesOptions): Notices {
  return {
    async send(notice) {
      try {
        const response = await fetch(new URL('/internal/v1/notices', url), {
          method: 'POST',
          headers: { authorization: `Service ${credential}`, accept: 'application/json', 'content-type': 'application/json' },
          body: JSON.stringify(notice),
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMilliseconds),
        })
        if (!response.ok) throw new Error(`identity answered ${response.status}: ${(await response.text()).slice(0, 500)}`)
        await response.body?.cancel()
      } catch (cause) {
        throw problem('identity.unavailable', { cause })
      }
    },
  }
}

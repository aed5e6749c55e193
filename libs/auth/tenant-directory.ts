import { problem } from '@slipway/problem'
import { z } from 'zod'
import { BoundedCache } from './bounded-cache.ts'
import { isSlug } from './tenant-hint.ts'

const publicTenant = z.object({ id: z.uuid(), slug: z.string(), name: z.string() })

/** What strangers may know of a tenant. */
export type PublicTenant = z.infer<typeof publicTenant>

/** Finds tenants for pages that need no sign-in. */
export interface TenantDirectory {
  /**
   * Null when there is no such tenant.
   * @throws identity.unavailable
   */
  find(slug: string): Promise<PublicTenant | null>
}

interface TenantDirectoryOptions {
  /** The internal listener of identity. */
  readonly url: string
  /** `<service>.<secret>` of the calling service. */
  readonly credential: string
  readonly now?: () => number
  readonly limit?: number
  readonly timeoutMilliseconds?: number
}

interface Known {
  readonly answer: Promise<PublicTenant | null>
  readonly until: number
}

/** How long an answer counts, also that there is no such tenant. */
const keepMilliseconds = 30_000

/** Asks identity by slug, once for all who ask at a time. Strangers choose what is asked for, so what is remembered is bounded. */
export function createTenantDirectory(options: TenantDirectoryOptions): TenantDirectory {
  const { now = Date.now, limit = 10_000 } = options
  const known = new BoundedCache<Known>(limit)
  return {
    async find(slug) {
      if (!isSlug(slug)) return null
      const found = known.get(slug)
      if (found && found.until > now()) return await found.answer
      const answer = ask(slug, options)
      known.set(slug, { answer, until: now() + keepMilliseconds })
      answer.catch(() => known.delete(slug))
      return await answer
    },
  }
}

async function ask(slug: string, { url, credential, timeoutMilliseconds = 2_000 }: TenantDirectoryOptions): Promise<PublicTenant | null> {
  try {
    const response = await fetch(new URL(`/internal/v1/tenants/${slug}`, url), {
      headers: { authorization: `Service ${credential}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMilliseconds),
    })
    const body: unknown = await response.json()
    if (response.ok) return publicTenant.parse(body)
    if (response.status === 404 && z.object({ code: z.literal('resource.not-found') }).safeParse(body).success) return null
    throw new Error(`identity answered ${response.status}`)
  } catch (cause) {
    throw problem('identity.unavailable', { cause })
  }
}

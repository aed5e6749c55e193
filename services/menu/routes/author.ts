import type { Principal } from '@slipway/auth'
import type { RequestInfo, Tenant } from '@slipway/http'
import type { Author } from '../domain/author.ts'

interface Signed {
  principal: Principal
  tenant: Tenant
  request: Pick<RequestInfo, 'id' | 'ip' | 'userAgent' | 'traceId'>
}

export function authorOf({ principal, tenant, request }: Signed): Author {
  const { id: requestId, ip, userAgent, traceId } = request
  return { tenantId: tenant.id, principal, from: { ip, userAgent, requestId, traceId } }
}

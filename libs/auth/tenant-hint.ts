import { problem } from '@slipway/problem'

/** Labels that name parts of the platform; no tenant can have them as its slug. */
export const reservedSlugs: ReadonlySet<string> = new Set(
  (
    'about account accounts admin api app apps assets auth autoconfig autodiscover billing blog cdn console dashboard dev docs ' +
    'events ftp git grafana health help home identity imap internal jobs localhost login logout mail metrics mta-sts mx news ns1 ns2 ' +
    'oauth openapi operator ops pop postmaster problems prometheus public register root s3 security settings signin signup slipway smtp ' +
    'sso staging static status storage support system test webhooks well-known www'
  ).split(' '),
)

const label = /^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$/

/** RFC 1123 label of 3 to 63 characters. `xn--` is refused: a punycode label can look like another tenant's name. */
export function isSlug(value: string): boolean {
  return label.test(value) && !value.startsWith('xn--')
}

export interface HintSource {
  /** The host that the client asked for, as the trusted proxy says it; a port is ignored. */
  readonly host: string | undefined
  /** `X-Tenant-Slug`. */
  readonly header: string | undefined
  /** Tenants are subdomains of it; null = they are named by header or credentials only. */
  readonly baseDomain: string | null | undefined
}

/**
 * The tenant that a request names: by subdomain, else by header.
 * @throws tenant.mismatch when the two differ, request.parameters-invalid when the header cannot be a slug
 */
export function resolveTenantHint({ host, header, baseDomain }: HintSource): string | null {
  const fromHost = subdomain(host, baseDomain)
  const fromHeader = header === undefined || header === '' ? null : header.toLowerCase()
  if (fromHeader !== null && !isSlug(fromHeader)) {
    throw problem('request.parameters-invalid', { errors: [{ pointer: '/headers/x-tenant-slug', detail: 'must be the slug of a tenant' }] })
  }
  if (fromHost !== null && fromHeader !== null && fromHost !== fromHeader) {
    throw problem('tenant.mismatch', { detail: `the host names tenant "${fromHost}", X-Tenant-Slug names "${fromHeader}"` })
  }
  return fromHost ?? fromHeader
}

function subdomain(host: string | undefined, baseDomain: string | null | undefined): string | null {
  if (!host || !baseDomain) return null
  const name = host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  const suffix = `.${baseDomain.toLowerCase()}`
  if (!name.endsWith(suffix)) return null
  const first = name.slice(0, -suffix.length)
  return isSlug(first) && !reservedSlugs.has(first) ? first : null
}

/** What every client may rely on for one kind of failure: codes are stable, titles are for people. */
export interface ProblemDefinition {
  status: number
  title: string
  /** Whether the same request may succeed later without being changed. */
  retryable: boolean
}

const client = (status: number, title: string): ProblemDefinition => ({ status, title, retryable: false })
const passing = (status: number, title: string): ProblemDefinition => ({ status, title, retryable: true })

/**
 * The one error table of the platform. A code names its room first (`file.infected`), so that a client can match by prefix.
 * Codes are part of the API: add, never rename.
 */
export const problems = {
  'request.invalid': client(422, 'The request does not satisfy its contract'),
  'request.parameters-invalid': client(400, 'A parameter in path, query or headers does not satisfy its contract'),
  'request.malformed': client(400, 'The request cannot be parsed'),
  'request.too-large': client(413, 'The request body is larger than this route accepts'),
  'request.unsupported-media-type': client(415, 'The content type is not accepted here'),
  'request.not-acceptable': client(406, 'No representation that the client accepts'),
  'request.timeout': passing(408, 'The request did not arrive in time'),
  'request.header-fields-too-large': client(431, 'The header fields are too large'),
  'route.not-found': client(404, 'No such route'),
  'route.method-not-allowed': client(405, 'The route does not have this method'),
  'resource.not-found': client(404, 'No such resource'),
  'resource.conflict': client(409, 'The resource already exists or is in use'),
  'resource.gone': client(410, 'The resource is no longer there'),
  'precondition.failed': client(412, 'The resource has changed since it was read'),
  'precondition.required': client(428, 'This request needs If-Match'),
  'range.not-satisfiable': client(416, 'The range lies outside of the content'),
  'idempotency.key-invalid': client(400, 'The Idempotency-Key cannot be used'),
  'idempotency.key-reused': client(422, 'The Idempotency-Key was used with another request'),
  'idempotency.in-progress': passing(409, 'A request with this Idempotency-Key is still running'),
  'rate.limited': passing(429, 'Too many requests'),
  'auth.required': client(401, 'Credentials are required'),
  'auth.invalid': client(401, 'The credentials are not valid'),
  'auth.expired': client(401, 'The credentials have expired'),
  'auth.revoked': client(401, 'The credentials have been revoked'),
  'auth.forbidden': client(403, 'The role does not allow this'),
  'auth.scope-missing': client(403, 'The credentials lack a scope'),
  'auth.sign-in-failed': client(401, 'Sign-in failed'),
  'auth.email-unverified': client(403, 'The mail address is not confirmed yet'),
  'auth.link-invalid': client(401, 'The sign-in link is not valid any more'),
  'tenant.required': client(400, 'The request names no tenant'),
  'tenant.mismatch': client(403, 'The credentials belong to another tenant'),
  'tenant.slug-taken': client(409, 'The slug is taken'),
  'tenant.last-owner': client(409, 'A tenant keeps at least one owner'),
  'file.too-large': client(413, 'The file is larger than allowed'),
  'file.infected': client(422, 'Malware was found in the file'),
  'file.unscannable': client(422, 'The file cannot be scanned completely and is therefore refused'),
  'file.not-readable': client(409, 'The file has no clean verdict yet'),
  'photo.unreadable': client(422, 'The photo is damaged or incomplete'),
  'photo.unsupported': client(422, 'The file is not a photo of a kind that is accepted'),
  'photo.too-many-pixels': client(422, 'The photo has more pixels than are accepted'),
  'folder.cycle': client(409, 'A folder cannot be moved into itself'),
  'name.taken': client(409, 'The name is taken in this folder'),
  'upload.offset-mismatch': client(409, 'The upload is at another offset'),
  'upload.locked': passing(423, 'Another request is writing to this upload'),
  'upload.version-unsupported': client(412, 'This version of tus is not served'),
  'quota.exceeded': client(413, 'The quota of the tenant is used up'),
  'release.same-person': client(409, 'A release takes two different people'),
  'job.not-retryable': client(409, 'The job is not in a state that allows this'),
  'scanner.unavailable': passing(503, 'The malware scanner cannot be reached'),
  'scanner.no-signatures': passing(503, 'The malware scanner has no real signature database'),
  'storage.unavailable': passing(503, 'The object storage cannot be reached'),
  'database.unavailable': passing(503, 'The database cannot be reached'),
  'redis.unavailable': passing(503, 'Redis cannot be reached'),
  'identity.unavailable': passing(503, 'The identity service cannot be reached'),
  'mail.unavailable': passing(503, 'The mail server cannot be reached'),
  'service.overloaded': passing(503, 'The service is at its limit'),
  'service.timeout': passing(503, 'The answer took too long'),
  'service.draining': passing(503, 'This instance is shutting down'),
  'service.not-ready': passing(503, 'A dependency is not ready'),
  'internal.error': client(500, 'Something failed on our side'),
} as const satisfies Record<string, ProblemDefinition>

export type ProblemCode = keyof typeof problems

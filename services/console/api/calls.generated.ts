// Written by `slipway generate` from the contracts of the services: do not edit.

export type AuditEntry = { readonly id: string; readonly at: string; readonly action: string; readonly actor: { readonly kind: string; readonly id: string; readonly name: string | null }; readonly subject: { readonly type: string; readonly id: string }; readonly before: unknown; readonly after: unknown; readonly from: { readonly ip: string | null; readonly userAgent: string | null; readonly requestId: string | null; readonly traceId: string | null } }

export type __schema0 = string | number | boolean | null | ReadonlyArray<__schema0> | { readonly [name: string]: __schema0 }

export type Dish = { readonly id: string; readonly name: string; readonly description: string | null; readonly price: { readonly amount: number; readonly currency: string }; readonly categoryId: string | null; readonly allergens: ReadonlyArray<"gluten" | "crustaceans" | "eggs" | "fish" | "peanuts" | "soybeans" | "milk" | "nuts" | "celery" | "mustard" | "sesame" | "sulphites" | "lupin" | "molluscs">; readonly plateDiameterCm: number; readonly position: number; readonly visible: boolean; readonly photo: { readonly id: string; readonly width: number; readonly height: number; readonly contentType: "image/jpeg"; readonly bytes: number; readonly sha256: string; readonly url: string; readonly uploadedAt: string } | null; readonly model: DishModel | null; readonly served: string | null; readonly etag: string; readonly createdAt: string; readonly updatedAt: string }

export type DishModel = { readonly id: string; readonly state: "queued" | "running" | "done" | "failed" | "cancelled"; readonly step: "fetch" | "analyse" | "segment" | "height" | "mesh" | "optimise" | "validate" | "scan" | "store" | null; readonly steps: ReadonlyArray<"fetch" | "analyse" | "segment" | "height" | "mesh" | "optimise" | "validate" | "scan" | "store">; readonly progress: number; readonly attempt: number; readonly jobId: string; readonly traceId: string | null; readonly queuedAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly error: { readonly code: "request.invalid" | "request.parameters-invalid" | "request.malformed" | "request.too-large" | "request.unsupported-media-type" | "request.not-acceptable" | "request.timeout" | "request.header-fields-too-large" | "route.not-found" | "route.method-not-allowed" | "resource.not-found" | "resource.conflict" | "resource.gone" | "precondition.failed" | "precondition.required" | "range.not-satisfiable" | "idempotency.key-invalid" | "idempotency.key-reused" | "idempotency.in-progress" | "rate.limited" | "auth.required" | "auth.invalid" | "auth.expired" | "auth.revoked" | "auth.forbidden" | "auth.scope-missing" | "auth.sign-in-failed" | "auth.email-unverified" | "auth.link-invalid" | "tenant.required" | "tenant.mismatch" | "tenant.slug-taken" | "tenant.last-owner" | "file.too-large" | "file.infected" | "file.unscannable" | "file.not-readable" | "photo.unreadable" | "photo.unsupported" | "photo.too-many-pixels" | "folder.cycle" | "name.taken" | "upload.offset-mismatch" | "upload.locked" | "upload.version-unsupported" | "quota.exceeded" | "release.same-person" | "job.not-retryable" | "scanner.unavailable" | "scanner.no-signatures" | "storage.unavailable" | "database.unavailable" | "redis.unavailable" | "identity.unavailable" | "mail.unavailable" | "service.overloaded" | "service.timeout" | "service.draining" | "service.not-ready" | "internal.error"; readonly detail: string; readonly traceId: string | null } | null; readonly help: { readonly crop: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } } | { readonly plate: { readonly x: number; readonly y: number; readonly a: number; readonly b: number; readonly angle: number } } | null; readonly result: { readonly method: "plate" | "relief"; readonly confidence: number; readonly confident: boolean; readonly tiltDegrees: number; readonly triangles: number; readonly webTriangles: number; readonly milliseconds: number; readonly warnings: ReadonlyArray<string>; readonly outline: { readonly x: number; readonly y: number; readonly a: number; readonly b: number; readonly angle: number }; readonly files: { readonly plain: { readonly bytes: number; readonly url: string }; readonly web: { readonly bytes: number; readonly url: string }; readonly poster: { readonly bytes: number; readonly url: string } } } | null }

export type Menu = { readonly id: string; readonly name: string; readonly description: string | null; readonly position: number; readonly visible: boolean; readonly categories: ReadonlyArray<{ readonly id: string; readonly name: string; readonly position: number }>; readonly etag: string; readonly createdAt: string; readonly updatedAt: string }

export type PublicDish = { readonly id: string; readonly name: string; readonly description: string | null; readonly price: { readonly amount: number; readonly currency: string }; readonly allergens: ReadonlyArray<"gluten" | "crustaceans" | "eggs" | "fish" | "peanuts" | "soybeans" | "milk" | "nuts" | "celery" | "mustard" | "sesame" | "sulphites" | "lupin" | "molluscs">; readonly photo: { readonly url: string; readonly width: number; readonly height: number } | null; readonly model: { readonly plain: string; readonly web: string; readonly poster: string } | null; readonly plateDiameterCm: number }

export type PublicMenu = { readonly tenant: { readonly slug: string; readonly name: string }; readonly menus: ReadonlyArray<{ readonly id: string; readonly name: string; readonly description: string | null; readonly categories: ReadonlyArray<{ readonly id: string; readonly name: string; readonly dishes: ReadonlyArray<PublicDish> }> }>; readonly uncategorised: ReadonlyArray<PublicDish> }

export interface Calls {
  'GET /.well-known/jwks.json': {
    readonly answer: { readonly keys: ReadonlyArray<{ readonly kty: string }> }
  }
  'GET /api/v1/api-keys': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly name: string; readonly scopes: ReadonlyArray<string>; readonly createdBy: string; readonly createdAt: string; readonly expiresAt: string | null; readonly lastUsedAt: string | null }>; readonly nextCursor: string | null }
  }
  'POST /api/v1/api-keys': {
    readonly body: { readonly name: string; readonly scopes: ReadonlyArray<string>; readonly expiresAt?: string }
    readonly answer: { readonly id: string; readonly name: string; readonly scopes: ReadonlyArray<string>; readonly createdBy: string; readonly createdAt: string; readonly expiresAt: string | null; readonly lastUsedAt: string | null; readonly key: string }
  }
  'DELETE /api/v1/api-keys/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/audit': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly action?: string; readonly actorId?: string; readonly subjectType?: string; readonly subjectId?: string; readonly since?: string; readonly until?: string }
    readonly answer: { readonly items: ReadonlyArray<AuditEntry>; readonly nextCursor: string | null }
  }
  'POST /api/v1/auth/confirm-email': {
    readonly body: { readonly token: string }
    readonly answer: undefined
  }
  'GET /api/v1/auth/jwks': {
    readonly answer: { readonly keys: ReadonlyArray<{ readonly kty: string }> }
  }
  'GET /api/v1/auth/link': {
    readonly answer: ReadableStream<Uint8Array>
  }
  'POST /api/v1/auth/magic-link': {
    readonly body: { readonly email: string }
    readonly answer: { readonly status: "accepted" }
  }
  'POST /api/v1/auth/magic-link/consume': {
    readonly body: { readonly token: string; readonly cookie?: boolean }
    readonly answer: { readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly emailVerified: boolean }; readonly session: { readonly id: string; readonly expiresAt: string }; readonly sessionToken?: string }
  }
  'POST /api/v1/auth/password': {
    readonly body: { readonly currentPassword?: string; readonly newPassword: string }
    readonly answer: undefined
  }
  'GET /api/v1/auth/sessions': {
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly current: boolean; readonly method: string | null; readonly ip: string | null; readonly userAgent: string | null; readonly createdAt: string; readonly lastSeenAt: string; readonly expiresAt: string }> }
  }
  'DELETE /api/v1/auth/sessions': {
    readonly answer: { readonly ended: number }
  }
  'DELETE /api/v1/auth/sessions/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'POST /api/v1/auth/sign-in': {
    readonly body: { readonly email: string; readonly password: string; readonly cookie?: boolean }
    readonly answer: { readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly emailVerified: boolean }; readonly session: { readonly id: string; readonly expiresAt: string }; readonly sessionToken?: string }
  }
  'POST /api/v1/auth/sign-out': {
    readonly answer: undefined
  }
  'POST /api/v1/auth/sign-up': {
    readonly body: { readonly email: string; readonly password: string; readonly name: string; readonly invitation?: string; readonly cookie?: boolean }
    readonly answer: { readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly emailVerified: boolean }; readonly session: { readonly id: string; readonly expiresAt: string }; readonly sessionToken?: string } | { readonly status: "accepted" }
  }
  'POST /api/v1/auth/token': {
    readonly body: { readonly tenant?: string; readonly scopes?: ReadonlyArray<string>; readonly operator?: boolean }
    readonly answer: { readonly accessToken: string; readonly tokenType: "Bearer"; readonly expiresIn: number; readonly tenant: { readonly id: string; readonly slug: string; readonly name: string } | null; readonly role: "owner" | "admin" | "member" | "viewer" | null }
  }
  'GET /api/v1/identity/jobs': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly queue?: string; readonly state?: ReadonlyArray<"pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"> }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/identity/jobs/counts': {
    readonly answer: { readonly items: ReadonlyArray<{ readonly queue: string; readonly jobs: { readonly [name: string]: number }; readonly oldestWaitingAt: string | null; readonly oldestWaitingSeconds: number | null; readonly waited: { readonly jobs: number; readonly median: number; readonly p95: number } | null; readonly ran: { readonly jobs: number; readonly median: number; readonly p95: number } | null; readonly workers: number | null; readonly redis: { readonly [name: string]: number } | null }> }
  }
  'GET /api/v1/identity/jobs/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/identity/jobs/{id}/cancel': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/identity/jobs/{id}/replay': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/identity/jobs/{id}/retry': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'GET /api/v1/identity/status': {
    readonly answer: { readonly service: string; readonly status: "ok" | "degraded" | "unavailable"; readonly checks: { readonly [name: string]: { readonly status: "ok" | "degraded" | "unavailable"; readonly detail?: string; readonly milliseconds: number } }; readonly scanner: { readonly status: "ok" | "test-signatures" | "down"; readonly engine: string | null; readonly database: number | null; readonly builtAt: string | null; readonly ageSeconds: number | null } | null }
  }
  'GET /api/v1/invitations': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly email: string; readonly role: "owner" | "admin" | "member" | "viewer"; readonly invitedBy: string; readonly createdAt: string; readonly expiresAt: string }>; readonly nextCursor: string | null }
  }
  'POST /api/v1/invitations': {
    readonly body: { readonly email: string; readonly role: "owner" | "admin" | "member" | "viewer" }
    readonly answer: { readonly id: string; readonly email: string; readonly role: "owner" | "admin" | "member" | "viewer"; readonly invitedBy: string; readonly createdAt: string; readonly expiresAt: string }
  }
  'POST /api/v1/invitations/accept': {
    readonly body: { readonly token: string }
    readonly answer: { readonly tenant: { readonly id: string; readonly slug: string; readonly name: string }; readonly role: "owner" | "admin" | "member" | "viewer" }
  }
  'DELETE /api/v1/invitations/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/me': {
    readonly answer: { readonly kind: "user" | "key" | "operator"; readonly id: string; readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly emailVerified: boolean } | null; readonly tenant: { readonly id: string; readonly slug: string } | null; readonly role: "owner" | "admin" | "member" | "viewer" | null; readonly scopes: ReadonlyArray<string>; readonly tenants: ReadonlyArray<{ readonly id: string; readonly slug: string; readonly name: string; readonly role: "owner" | "admin" | "member" | "viewer" }> }
  }
  'GET /api/v1/members': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly email: string; readonly name: string; readonly role: "owner" | "admin" | "member" | "viewer"; readonly joinedAt: string }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/members/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly email: string; readonly name: string; readonly role: "owner" | "admin" | "member" | "viewer"; readonly joinedAt: string }
  }
  'PATCH /api/v1/members/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly role: "owner" | "admin" | "member" | "viewer" }
    readonly answer: { readonly id: string; readonly email: string; readonly name: string; readonly role: "owner" | "admin" | "member" | "viewer"; readonly joinedAt: string }
  }
  'DELETE /api/v1/members/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/operator/tenants': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly slug: string; readonly name: string; readonly createdAt: string; readonly updatedAt: string }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/settings': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly key: string; readonly type: "string" | "number" | "boolean" | "json" | "secret"; readonly value?: unknown; readonly updatedAt: string; readonly updatedBy: string }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/settings/{key}': {
    readonly params: { readonly key: string }
    readonly answer: { readonly key: string; readonly type: "string" | "number" | "boolean" | "json" | "secret"; readonly value?: unknown; readonly updatedAt: string; readonly updatedBy: string }
  }
  'PUT /api/v1/settings/{key}': {
    readonly params: { readonly key: string }
    readonly body: { readonly type: "string"; readonly value: string } | { readonly type: "secret"; readonly value: string } | { readonly type: "number"; readonly value: number } | { readonly type: "boolean"; readonly value: boolean } | { readonly type: "json"; readonly value: __schema0 }
    readonly answer: { readonly key: string; readonly type: "string" | "number" | "boolean" | "json" | "secret"; readonly value?: unknown; readonly updatedAt: string; readonly updatedBy: string }
  }
  'DELETE /api/v1/settings/{key}': {
    readonly params: { readonly key: string }
    readonly answer: undefined
  }
  'GET /api/v1/tenants': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly slug: string; readonly name: string; readonly createdAt: string; readonly updatedAt: string; readonly role: "owner" | "admin" | "member" | "viewer" }>; readonly nextCursor: string | null }
  }
  'POST /api/v1/tenants': {
    readonly body: { readonly slug: string; readonly name: string }
    readonly answer: { readonly id: string; readonly slug: string; readonly name: string; readonly createdAt: string; readonly updatedAt: string }
  }
  'GET /api/v1/tenants/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly slug: string; readonly name: string; readonly createdAt: string; readonly updatedAt: string }
  }
  'PATCH /api/v1/tenants/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly name: string }
    readonly answer: { readonly id: string; readonly slug: string; readonly name: string; readonly createdAt: string; readonly updatedAt: string }
  }
  'GET /api/v1/files': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly folderId?: string | "root"; readonly name?: string; readonly namePrefix?: string; readonly type?: string; readonly trashed?: "true" | "false"; readonly doubtful?: "true" | "false"; readonly sort?: "name" | "createdAt" | "size"; readonly order?: "asc" | "desc" }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }>; readonly nextCursor: string | null }
  }
  'POST /api/v1/files': {
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }
  }
  'GET /api/v1/files/audit': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly action?: string; readonly actorId?: string; readonly subjectType?: string; readonly subjectId?: string; readonly since?: string; readonly until?: string }
    readonly answer: { readonly items: ReadonlyArray<AuditEntry>; readonly nextCursor: string | null }
  }
  'GET /api/v1/files/jobs': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly queue?: string; readonly state?: ReadonlyArray<"pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"> }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/files/jobs/counts': {
    readonly answer: { readonly items: ReadonlyArray<{ readonly queue: string; readonly jobs: { readonly [name: string]: number }; readonly oldestWaitingAt: string | null; readonly oldestWaitingSeconds: number | null; readonly waited: { readonly jobs: number; readonly median: number; readonly p95: number } | null; readonly ran: { readonly jobs: number; readonly median: number; readonly p95: number } | null; readonly workers: number | null; readonly redis: { readonly [name: string]: number } | null }> }
  }
  'GET /api/v1/files/jobs/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/files/jobs/{id}/cancel': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/files/jobs/{id}/replay': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/files/jobs/{id}/retry': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/files/resumable': {
    readonly headers?: { readonly 'upload-length'?: string; readonly 'upload-defer-length'?: "1"; readonly 'upload-metadata'?: string; readonly 'upload-concat'?: unknown }
    readonly answer: undefined
  }
  'OPTIONS /api/v1/files/resumable': {
    readonly answer: undefined
  }
  'GET /api/v1/files/resumable/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly offset: number; readonly length: number | null; readonly expiresAt: string; readonly fileId: string | null }
  }
  'PATCH /api/v1/files/resumable/{id}': {
    readonly params: { readonly id: string }
    readonly headers: { readonly 'upload-offset': string; readonly 'upload-length'?: string }
    readonly answer: undefined
  }
  'DELETE /api/v1/files/resumable/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/files/retention': {
    readonly answer: { readonly own: { readonly versions: { readonly kept: number | null; readonly days: number | null }; readonly trash: { readonly days: number | null } }; readonly effective: { readonly versions: { readonly kept: number; readonly days: number }; readonly trash: { readonly days: number } }; readonly most: { readonly versions: { readonly kept: number; readonly days: number }; readonly trash: { readonly days: number } }; readonly etag: string; readonly updatedBy: string | null; readonly updatedAt: string | null }
  }
  'PUT /api/v1/files/retention': {
    readonly body: { readonly versions: { readonly kept: number | null; readonly days: number | null }; readonly trash: { readonly days: number | null } }
    readonly answer: { readonly own: { readonly versions: { readonly kept: number | null; readonly days: number | null }; readonly trash: { readonly days: number | null } }; readonly effective: { readonly versions: { readonly kept: number; readonly days: number }; readonly trash: { readonly days: number } }; readonly most: { readonly versions: { readonly kept: number; readonly days: number }; readonly trash: { readonly days: number } }; readonly etag: string; readonly updatedBy: string | null; readonly updatedAt: string | null }
  }
  'GET /api/v1/files/status': {
    readonly answer: { readonly service: string; readonly status: "ok" | "degraded" | "unavailable"; readonly checks: { readonly [name: string]: { readonly status: "ok" | "degraded" | "unavailable"; readonly detail?: string; readonly milliseconds: number } }; readonly scanner: { readonly status: "ok" | "test-signatures" | "down"; readonly engine: string | null; readonly database: number | null; readonly builtAt: string | null; readonly ageSeconds: number | null } | null }
  }
  'GET /api/v1/files/usage': {
    readonly answer: { readonly used: { readonly bytes: number; readonly files: number }; readonly quota: { readonly bytes: number; readonly files: number }; readonly trash: { readonly bytes: number; readonly files: number } }
  }
  'GET /api/v1/files/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }
  }
  'PATCH /api/v1/files/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly name?: string; readonly folderId?: string | null }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }
  }
  'DELETE /api/v1/files/{id}': {
    readonly params: { readonly id: string }
    readonly query?: { readonly permanent?: "true" | "false" }
    readonly answer: undefined
  }
  'GET /api/v1/files/{id}/content': {
    readonly params: { readonly id: string }
    readonly query?: { readonly disposition?: "attachment" | "inline" }
    readonly answer: ReadableStream<Uint8Array>
  }
  'PUT /api/v1/files/{id}/content': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }
  }
  'POST /api/v1/files/{id}/rescan': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }
  }
  'POST /api/v1/files/{id}/restore': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null }
  }
  'GET /api/v1/files/{id}/versions': {
    readonly params: { readonly id: string }
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly revision: number; readonly current: boolean; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly by: string; readonly at: string; readonly supersededAt: string | null }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/files/{id}/versions/{revision}': {
    readonly params: { readonly id: string; readonly revision: number }
    readonly answer: { readonly revision: number; readonly current: boolean; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly by: string; readonly at: string; readonly supersededAt: string | null }
  }
  'DELETE /api/v1/files/{id}/versions/{revision}': {
    readonly params: { readonly id: string; readonly revision: number }
    readonly answer: undefined
  }
  'GET /api/v1/files/{id}/versions/{revision}/content': {
    readonly params: { readonly id: string; readonly revision: number }
    readonly query?: { readonly disposition?: "attachment" | "inline" }
    readonly answer: ReadableStream<Uint8Array>
  }
  'POST /api/v1/files/{id}/versions/{revision}/restore': {
    readonly params: { readonly id: string; readonly revision: number }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null; readonly restoredFrom: number }
  }
  'GET /api/v1/folders': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly parentId?: string | "root" }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly name: string; readonly parentId: string | null; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string }>; readonly nextCursor: string | null }
  }
  'POST /api/v1/folders': {
    readonly body: { readonly name: string; readonly parentId?: string | null }
    readonly answer: { readonly id: string; readonly name: string; readonly parentId: string | null; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string }
  }
  'GET /api/v1/folders/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly parentId: string | null; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string }
  }
  'PATCH /api/v1/folders/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly name?: string; readonly parentId?: string | null }
    readonly answer: { readonly id: string; readonly name: string; readonly parentId: string | null; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string }
  }
  'DELETE /api/v1/folders/{id}': {
    readonly params: { readonly id: string }
    readonly query?: { readonly recursive?: "true" | "false" }
    readonly answer: undefined
  }
  'GET /api/v1/quarantine': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null; readonly reason: string | null; readonly raw: string; readonly scan: { readonly engine: string; readonly database: string; readonly milliseconds: number }; readonly uploadedBy: string; readonly uploadedFrom: { readonly ip?: string; readonly userAgent?: string; readonly requestId?: string; readonly traceId?: string }; readonly createdAt: string; readonly foundBy: "upload" | "rescan"; readonly earlier: { readonly engine: string; readonly database: string; readonly at: string | null } | null; readonly reads: number; readonly readAt: string | null; readonly release: { readonly requestedBy: string; readonly reason: string; readonly at: string; readonly expiresAt: string } | null }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/quarantine/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null; readonly reason: string | null; readonly raw: string; readonly scan: { readonly engine: string; readonly database: string; readonly milliseconds: number }; readonly uploadedBy: string; readonly uploadedFrom: { readonly ip?: string; readonly userAgent?: string; readonly requestId?: string; readonly traceId?: string }; readonly createdAt: string; readonly foundBy: "upload" | "rescan"; readonly earlier: { readonly engine: string; readonly database: string; readonly at: string | null } | null; readonly reads: number; readonly readAt: string | null; readonly release: { readonly requestedBy: string; readonly reason: string; readonly at: string; readonly expiresAt: string } | null }
  }
  'DELETE /api/v1/quarantine/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'POST /api/v1/quarantine/{id}/release': {
    readonly params: { readonly id: string }
    readonly body: { readonly reason: string }
    readonly answer: { readonly quarantine: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null; readonly reason: string | null; readonly raw: string; readonly scan: { readonly engine: string; readonly database: string; readonly milliseconds: number }; readonly uploadedBy: string; readonly uploadedFrom: { readonly ip?: string; readonly userAgent?: string; readonly requestId?: string; readonly traceId?: string }; readonly createdAt: string; readonly foundBy: "upload" | "rescan"; readonly earlier: { readonly engine: string; readonly database: string; readonly at: string | null } | null; readonly reads: number; readonly readAt: string | null; readonly release: { readonly requestedBy: string; readonly reason: string; readonly at: string; readonly expiresAt: string } | null } | null; readonly file: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string | null; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly rescan: { readonly reason: "limits" | "encrypted" | "timeout" | "size" | "archive-member" | "altered" | "lost" | "error"; readonly database: string; readonly at: string } | null; readonly release: { readonly by: string; readonly approvedBy: string; readonly reason: string; readonly at: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null } | null; readonly revision: number; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null; readonly traceId: string | null } | null }
  }
  'DELETE /api/v1/quarantine/{id}/release': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/dishes': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly categoryId?: string | "none"; readonly visible?: "true" | "false" }
    readonly answer: { readonly items: ReadonlyArray<Dish>; readonly nextCursor: string | null }
  }
  'POST /api/v1/dishes': {
    readonly body: { readonly name: string; readonly description?: string | null; readonly price: { readonly amount: number; readonly currency?: string }; readonly categoryId?: string | null; readonly allergens?: ReadonlyArray<"gluten" | "crustaceans" | "eggs" | "fish" | "peanuts" | "soybeans" | "milk" | "nuts" | "celery" | "mustard" | "sesame" | "sulphites" | "lupin" | "molluscs">; readonly plateDiameterCm?: number; readonly visible?: boolean }
    readonly answer: Dish
  }
  'PUT /api/v1/dishes/order': {
    readonly body: { readonly ids: ReadonlyArray<string> }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly position: number }> }
  }
  'GET /api/v1/dishes/{id}': {
    readonly params: { readonly id: string }
    readonly answer: Dish
  }
  'PATCH /api/v1/dishes/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly name?: string; readonly description?: string | null; readonly price?: { readonly amount?: number; readonly currency?: string }; readonly categoryId?: string | null; readonly allergens?: ReadonlyArray<"gluten" | "crustaceans" | "eggs" | "fish" | "peanuts" | "soybeans" | "milk" | "nuts" | "celery" | "mustard" | "sesame" | "sulphites" | "lupin" | "molluscs">; readonly plateDiameterCm?: number; readonly visible?: boolean }
    readonly answer: Dish
  }
  'DELETE /api/v1/dishes/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/dishes/{id}/events': {
    readonly params: { readonly id: string }
    readonly headers?: { readonly 'last-event-id'?: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'PATCH /api/v1/dishes/{id}/model': {
    readonly params: { readonly id: string }
    readonly body: { readonly crop?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | null; readonly plate?: { readonly x: number; readonly y: number; readonly a: number; readonly b: number; readonly angle: number } | null } | null
    readonly answer: Dish
  }
  'GET /api/v1/dishes/{id}/model.glb': {
    readonly params: { readonly id: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'GET /api/v1/dishes/{id}/model.web.glb': {
    readonly params: { readonly id: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'POST /api/v1/dishes/{id}/model/cancel': {
    readonly params: { readonly id: string }
    readonly answer: Dish
  }
  'POST /api/v1/dishes/{id}/model/retry': {
    readonly params: { readonly id: string }
    readonly answer: Dish
  }
  'GET /api/v1/dishes/{id}/photo': {
    readonly params: { readonly id: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'PUT /api/v1/dishes/{id}/photo': {
    readonly params: { readonly id: string }
    readonly answer: Dish
  }
  'DELETE /api/v1/dishes/{id}/photo': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/dishes/{id}/poster.webp': {
    readonly params: { readonly id: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'GET /api/v1/menu/audit': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly action?: string; readonly actorId?: string; readonly subjectType?: string; readonly subjectId?: string; readonly since?: string; readonly until?: string }
    readonly answer: { readonly items: ReadonlyArray<AuditEntry>; readonly nextCursor: string | null }
  }
  'GET /api/v1/menu/jobs': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly queue?: string; readonly state?: ReadonlyArray<"pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"> }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/menu/jobs/counts': {
    readonly answer: { readonly items: ReadonlyArray<{ readonly queue: string; readonly jobs: { readonly [name: string]: number }; readonly oldestWaitingAt: string | null; readonly oldestWaitingSeconds: number | null; readonly waited: { readonly jobs: number; readonly median: number; readonly p95: number } | null; readonly ran: { readonly jobs: number; readonly median: number; readonly p95: number } | null; readonly workers: number | null; readonly redis: { readonly [name: string]: number } | null }> }
  }
  'GET /api/v1/menu/jobs/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/menu/jobs/{id}/cancel': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/menu/jobs/{id}/replay': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'POST /api/v1/menu/jobs/{id}/retry': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean; readonly traceId: string | null }
  }
  'GET /api/v1/menu/status': {
    readonly answer: { readonly service: string; readonly status: "ok" | "degraded" | "unavailable"; readonly checks: { readonly [name: string]: { readonly status: "ok" | "degraded" | "unavailable"; readonly detail?: string; readonly milliseconds: number } }; readonly scanner: { readonly status: "ok" | "test-signatures" | "down"; readonly engine: string | null; readonly database: number | null; readonly builtAt: string | null; readonly ageSeconds: number | null } | null }
  }
  'GET /api/v1/menus': {
    readonly query?: { readonly limit?: number; readonly cursor?: string }
    readonly answer: { readonly items: ReadonlyArray<Menu>; readonly nextCursor: string | null }
  }
  'POST /api/v1/menus': {
    readonly body: { readonly name: string; readonly description?: string | null; readonly visible?: boolean; readonly categories?: ReadonlyArray<{ readonly name: string }> }
    readonly answer: Menu
  }
  'GET /api/v1/menus/{id}': {
    readonly params: { readonly id: string }
    readonly answer: Menu
  }
  'PATCH /api/v1/menus/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly name?: string; readonly description?: string | null; readonly visible?: boolean; readonly position?: number; readonly categories?: ReadonlyArray<{ readonly id?: string; readonly name: string }> }
    readonly answer: Menu
  }
  'DELETE /api/v1/menus/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
  'GET /api/v1/public/dishes/{id}/model.glb': {
    readonly params: { readonly id: string }
    readonly query?: { readonly tenant?: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'GET /api/v1/public/dishes/{id}/model.web.glb': {
    readonly params: { readonly id: string }
    readonly query?: { readonly tenant?: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'GET /api/v1/public/dishes/{id}/photo.jpg': {
    readonly params: { readonly id: string }
    readonly query?: { readonly tenant?: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'GET /api/v1/public/dishes/{id}/poster.webp': {
    readonly params: { readonly id: string }
    readonly query?: { readonly tenant?: string }
    readonly answer: ReadableStream<Uint8Array>
  }
  'GET /api/v1/public/menu': {
    readonly query?: { readonly tenant?: string }
    readonly answer: PublicMenu
  }
}

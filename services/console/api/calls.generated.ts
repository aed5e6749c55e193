// Written by `slipway generate` from the contracts of the services: do not edit.

export type AuditEntry = { readonly id: string; readonly at: string; readonly action: string; readonly actor: { readonly kind: string; readonly id: string; readonly name: string | null }; readonly subject: { readonly type: string; readonly id: string }; readonly before: unknown; readonly after: unknown; readonly from: { readonly ip: string | null; readonly userAgent: string | null; readonly requestId: string | null; readonly traceId: string | null } }

export type __schema0 = string | number | boolean | null | ReadonlyArray<__schema0> | { readonly [name: string]: __schema0 }

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
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/identity/jobs/counts': {
    readonly answer: { readonly items: ReadonlyArray<{ readonly queue: string; readonly jobs: { readonly [name: string]: number }; readonly oldestWaitingAt: string | null; readonly oldestWaitingSeconds: number | null; readonly redis: { readonly [name: string]: number } | null }> }
  }
  'GET /api/v1/identity/jobs/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'POST /api/v1/identity/jobs/{id}/cancel': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'POST /api/v1/identity/jobs/{id}/replay': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'POST /api/v1/identity/jobs/{id}/retry': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'GET /api/v1/identity/status': {
    readonly answer: { readonly service: string; readonly status: "ok" | "degraded" | "unavailable"; readonly checks: { readonly [name: string]: { readonly status: "ok" | "degraded" | "unavailable"; readonly detail?: string; readonly milliseconds: number } } }
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
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly folderId?: string | "root"; readonly name?: string; readonly namePrefix?: string; readonly type?: string; readonly trashed?: "true" | "false"; readonly sort?: "name" | "createdAt" | "size"; readonly order?: "asc" | "desc" }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null }>; readonly nextCursor: string | null }
  }
  'POST /api/v1/files': {
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null }
  }
  'GET /api/v1/files/audit': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly action?: string; readonly actorId?: string; readonly subjectType?: string; readonly subjectId?: string; readonly since?: string; readonly until?: string }
    readonly answer: { readonly items: ReadonlyArray<AuditEntry>; readonly nextCursor: string | null }
  }
  'GET /api/v1/files/jobs': {
    readonly query?: { readonly limit?: number; readonly cursor?: string; readonly queue?: string; readonly state?: ReadonlyArray<"pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"> }
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/files/jobs/counts': {
    readonly answer: { readonly items: ReadonlyArray<{ readonly queue: string; readonly jobs: { readonly [name: string]: number }; readonly oldestWaitingAt: string | null; readonly oldestWaitingSeconds: number | null; readonly redis: { readonly [name: string]: number } | null }> }
  }
  'GET /api/v1/files/jobs/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'POST /api/v1/files/jobs/{id}/cancel': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'POST /api/v1/files/jobs/{id}/replay': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'POST /api/v1/files/jobs/{id}/retry': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly queue: string; readonly key: string | null; readonly state: "pending" | "waiting" | "active" | "retrying" | "completed" | "cancelled" | "failed" | "dead"; readonly tenantId: string | null; readonly payload: unknown; readonly attempts: number; readonly maxAttempts: number; readonly createdAt: string; readonly runAt: string; readonly startedAt: string | null; readonly finishedAt: string | null; readonly cancelRequestedAt: string | null; readonly reason: string | null; readonly stack: string | null; readonly actor: string | null; readonly replayOf: string | null; readonly replayedAs: string | null; readonly durable: boolean }
  }
  'GET /api/v1/files/status': {
    readonly answer: { readonly service: string; readonly status: "ok" | "degraded" | "unavailable"; readonly checks: { readonly [name: string]: { readonly status: "ok" | "degraded" | "unavailable"; readonly detail?: string; readonly milliseconds: number } } }
  }
  'GET /api/v1/files/usage': {
    readonly answer: { readonly used: { readonly bytes: number; readonly files: number }; readonly quota: { readonly bytes: number; readonly files: number }; readonly trash: { readonly bytes: number; readonly files: number } }
  }
  'GET /api/v1/files/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null }
  }
  'PATCH /api/v1/files/{id}': {
    readonly params: { readonly id: string }
    readonly body: { readonly name?: string; readonly folderId?: string | null }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null }
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
  'POST /api/v1/files/{id}/restore': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "pending" | "clean" | "infected" | "unscannable"; readonly scan: { readonly engine: string; readonly database: string; readonly at: string; readonly milliseconds: number } | null; readonly progress?: { readonly phase: "waiting" | "scanning"; readonly attempts: number; readonly since: string }; readonly etag: string; readonly createdBy: string; readonly createdAt: string; readonly updatedAt: string; readonly trashedAt: string | null }
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
    readonly answer: { readonly items: ReadonlyArray<{ readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null; readonly reason: string | null; readonly raw: string; readonly scan: { readonly engine: string; readonly database: string; readonly milliseconds: number }; readonly uploadedBy: string; readonly uploadedFrom: { readonly ip?: string; readonly userAgent?: string; readonly requestId?: string }; readonly createdAt: string }>; readonly nextCursor: string | null }
  }
  'GET /api/v1/quarantine/{id}': {
    readonly params: { readonly id: string }
    readonly answer: { readonly id: string; readonly name: string; readonly folderId: string | null; readonly size: number; readonly contentType: string; readonly sha256: string; readonly verdict: "infected" | "unscannable"; readonly signature: string | null; readonly reason: string | null; readonly raw: string; readonly scan: { readonly engine: string; readonly database: string; readonly milliseconds: number }; readonly uploadedBy: string; readonly uploadedFrom: { readonly ip?: string; readonly userAgent?: string; readonly requestId?: string }; readonly createdAt: string }
  }
  'DELETE /api/v1/quarantine/{id}': {
    readonly params: { readonly id: string }
    readonly answer: undefined
  }
}

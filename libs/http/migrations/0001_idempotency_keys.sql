-- One row per Idempotency-Key of one caller and route; callers without a tenant have the nil UUID. Neither the key nor the answer can
-- be read from here: key_id is derived from the key, and answer is sealed with another derivation of it. answer is null while the first
-- request runs; once lease_until has passed, its process is taken for dead and another attempt may begin.
create table idempotency_keys (
  tenant_id uuid not null,
  principal text not null,
  method text not null,
  route text not null,
  key_id bytea not null,
  attempt uuid not null,
  fingerprint text,
  answer bytea,
  lease_until timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, principal, method, route, key_id)
);

create index idempotency_keys_expiry on idempotency_keys (expires_at);

call tenant_table('idempotency_keys');

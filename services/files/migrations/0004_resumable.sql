-- Uploads that come in several requests (tus 1.0). What counts is what stands here: bytes in the store that no row names are swept.
create table resumable_uploads (
  id text primary key check (length(id) >= 22),
  tenant_id uuid not null,
  -- The file that it becomes, and by which its keys in the store are known.
  file_id uuid not null unique,
  created_by text not null,
  author jsonb not null,
  name text not null,
  folder_id uuid,
  on_conflict text not null check (on_conflict in ('rename', 'fail')),
  -- As the client sent it, to be given back: json keeps the order.
  metadata json not null,
  length bigint check (length >= 0),
  received bigint not null default 0 check (received >= 0),
  -- Bytes that already count against the quota.
  reserved bigint not null check (reserved >= 0),
  assembly jsonb not null,
  next_part integer not null default 1,
  lock_token uuid,
  -- By the clock of the database: those of replicas may differ.
  lock_until timestamptz,
  release_wanted boolean not null default false,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  finished_at timestamptz(3),
  check (length is null or received <= length),
  check (finished_at is null or received = length)
);
create index resumable_uploads_of_user on resumable_uploads (tenant_id, created_by, created_at);
-- For the system role, which looks across tenants.
create index resumable_uploads_by_end on resumable_uploads (expires_at);
create index resumable_uploads_complete on resumable_uploads (created_at) where finished_at is null and received = length;
create index resumable_uploads_locked on resumable_uploads (lock_token) where lock_token is not null;
call tenant_table('resumable_uploads');

-- Of such an upload all bytes are seen together for the first time when they are scanned.
alter table files alter column sha256 drop not null;
alter table files add check (verdict <> 'clean' or sha256 is not null);

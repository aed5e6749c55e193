create table folders (
  id uuid primary key,
  tenant_id uuid not null,
  parent_id uuid,
  name text not null,
  name_key text collate "C" not null,
  version integer not null default 1,
  created_by text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  unique (tenant_id, id),
  -- Row level security does not apply to foreign keys: the tenant in the key keeps a folder out of a foreign tree.
  foreign key (tenant_id, parent_id) references folders (tenant_id, id),
  check (parent_id <> id)
);
-- Nulls are not distinct: the root is a folder like others.
create unique index folders_name on folders (tenant_id, parent_id, name_key) nulls not distinct;
call tenant_table('folders');

create table files (
  id uuid primary key,
  tenant_id uuid not null,
  folder_id uuid,
  name text not null,
  name_key text collate "C" not null,
  size bigint not null check (size >= 0),
  content_type text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  verdict text not null check (verdict in ('pending', 'clean', 'infected', 'unscannable')),
  scan_engine text,
  scan_database text,
  scan_at timestamptz(3),
  scan_milliseconds integer,
  scan_attempts integer not null default 0,
  quarantine jsonb,
  lease_token uuid,
  lease_until timestamptz(3),
  version integer not null default 1,
  created_by text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  trashed_at timestamptz(3),
  trashed_by text,
  -- A removed folder takes nothing along: what is in the trash returns to the root.
  foreign key (tenant_id, folder_id) references folders (tenant_id, id) on delete set null (folder_id),
  check (verdict = 'pending' or scan_at is not null),
  check (verdict <> 'pending' or (quarantine is not null and lease_until is not null)),
  check ((trashed_at is null) = (trashed_by is null))
);
-- What is in the trash or was refused holds no name.
create unique index files_name on files (tenant_id, folder_id, name_key) nulls not distinct
  where trashed_at is null and verdict in ('pending', 'clean');
create index files_by_name on files (tenant_id, name_key, id);
create index files_by_time on files (tenant_id, created_at, id);
create index files_by_size on files (tenant_id, size, id);
create index files_trashed on files (tenant_id, trashed_at) where trashed_at is not null;
-- For the system role, which looks across tenants.
create index files_trashed_anywhere on files (trashed_at) where trashed_at is not null;
create index files_pending on files (lease_until) where verdict = 'pending';
call tenant_table('files');

create table quarantine (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null,
  folder_id uuid,
  size bigint not null,
  content_type text not null,
  sha256 text not null,
  verdict text not null check (verdict in ('infected', 'unscannable')),
  signature text,
  reason text,
  raw text not null,
  engine text not null,
  database text not null,
  milliseconds integer not null,
  uploaded_by text not null,
  uploaded_from jsonb not null,
  object_key text not null,
  created_at timestamptz(3) not null
);
create index quarantine_by_time on quarantine (tenant_id, created_at, id);
create index quarantine_by_age on quarantine (created_at);
create index quarantine_by_object on quarantine (object_key);
call tenant_table('quarantine');

create table usage (
  tenant_id uuid primary key,
  bytes bigint not null default 0 check (bytes >= 0),
  files integer not null default 0 check (files >= 0)
);
call tenant_table('usage');

-- A version of a file is a row like the file: so it is scanned, looked at again, quarantined, counted and purged like one.
alter table files
  -- Whose earlier, or coming, content this row holds; null = a file that people see.
  add column head_id uuid,
  -- Which object holds the bytes, where it is not that of the same id: objects are never overwritten nor renamed, rows change them.
  add column content_id uuid,
  -- The order of those who wrote. Never given twice to contents of one file.
  add column revision integer not null default 1,
  add column last_revision integer not null default 1,
  -- When something else became the content of the file; null for what never was.
  add column superseded_at timestamptz(3),
  -- Who brought this content, and when; null = who made the file, and when that was.
  add column content_by text,
  add column content_at timestamptz(3),
  add unique (tenant_id, id),
  -- A file goes with its versions, or not at all.
  add foreign key (tenant_id, head_id) references files (tenant_id, id),
  -- Deferred, as two rows exchange what they hold.
  add constraint files_content exclude using btree ((coalesce(content_id, id)) with =) deferrable initially deferred,
  add check (head_id <> id),
  add check (head_id is null or (trashed_at is null and folder_id is null)),
  add check (superseded_at is null or head_id is not null),
  add check (head_id is not null or revision <= last_revision);

-- Versions hold no name.
drop index files_name;
create unique index files_name on files (tenant_id, folder_id, name_key) nulls not distinct
  where trashed_at is null and head_id is null and verdict in ('pending', 'clean');
create unique index files_versions on files (head_id, revision) where head_id is not null;
-- For the system role, which looks across tenants.
create index files_superseded on files (superseded_at) where superseded_at is not null;

-- What a rescan found may be in an object of another name than that of its row.
alter table quarantine add column content_id uuid;

-- How long a tenant keeps what was overwritten or deleted; null = as the installation does.
create table retention (
  tenant_id uuid primary key,
  versions_kept integer check (versions_kept >= 0),
  version_days integer check (version_days >= 1),
  trash_days integer check (trash_days >= 1),
  version integer not null default 1,
  updated_by text not null,
  updated_at timestamptz(3) not null
);
call tenant_table('retention');

-- Readable content is looked at again when the signature database moves.
alter table files
  -- How often content was given out, and when last: hints for the order of rescans, counted in batches.
  add column reads bigint not null default 0,
  add column read_at timestamptz(3),
  -- The power of two that `reads` has reached: it stands in the index instead of the count, which moves all the time.
  add column read_rank smallint not null default 0,
  -- A rescan that gave no new verdict: why, with which database, and when. The file stays readable by its earlier verdict.
  add column rescan_reason text,
  add column rescan_database text,
  add column rescan_at timestamptz(3),
  -- Who released the content from quarantine, and in spite of what.
  add column release jsonb;

-- Which databases are there, and what was looked at with one of them, in the order of rescans: both without reading the table.
create index files_by_database on files
  ((coalesce(rescan_database, scan_database, '')), read_rank desc, created_at desc, id) where verdict = 'clean';
create index files_doubtful on files (tenant_id, created_at, id) where rescan_reason is not null;

alter table quarantine
  add column found_by text not null default 'upload' check (found_by in ('upload', 'rescan')),
  -- What an earlier scan had said of the same content, and who may have read it since.
  add column earlier jsonb,
  add column reads bigint not null default 0,
  add column read_at timestamptz(3),
  -- From when on the bytes are in quarantine; null while those of a rescan are still in the readable bucket, where nobody is given them.
  add column isolated_at timestamptz(3),
  -- The first of two admins who are needed.
  add column release jsonb,
  -- The notice that tells of it, and when that was handed over.
  add column notice_id uuid,
  add column noticed_at timestamptz(3);
create index quarantine_unnoticed on quarantine (tenant_id, created_at) where found_by = 'rescan' and noticed_at is null;
create index quarantine_unisolated on quarantine (created_at) where found_by = 'rescan' and isolated_at is null;

-- When admins and owners were last told: a storm is one mail in an hour.
alter table usage add column noticed_at timestamptz(3);

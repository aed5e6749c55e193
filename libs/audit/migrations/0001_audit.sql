-- Written in the transaction of the change that it tells of. tenant_id is null for what concerns no tenant (an operator signs in):
-- such rows are made and read by the system role only. The id is a UUIDv7, so it sorts by time and pages by itself.
create table audit (
  id uuid primary key,
  tenant_id uuid,
  at timestamptz not null default now(),
  action text not null,
  actor_kind text not null,
  actor_id text not null,
  actor_name text,
  subject_type text not null,
  subject_id text not null,
  before jsonb,
  after jsonb,
  request_id text,
  trace_id text,
  ip inet,
  user_agent text
);

create index audit_tenant on audit (tenant_id, id desc);
create index audit_subject on audit (tenant_id, subject_type, subject_id, id desc);

call tenant_table('audit');
call append_only_table('audit');

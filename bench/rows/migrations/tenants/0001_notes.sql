create table notes (
  tenant_id uuid not null,
  id uuid not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
call tenant_table('notes');

-- The same table of the same rows, which everybody sees.
create table open_notes (
  tenant_id uuid not null,
  id uuid not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);

-- A policy as it should not be: a function that Postgres has to call for each row, and that asks a table.
create table members (tenant_id uuid primary key);
call tenant_table('members');
create function is_current(tenant uuid) returns boolean language plpgsql as $$
begin
  return tenant = nullif(current_setting('slipway.tenant', true), '')::uuid
    and not exists (select from members where members.tenant_id = tenant);
end
$$;
create table slow_notes (
  tenant_id uuid not null,
  id uuid not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
alter table slow_notes enable row level security;
alter table slow_notes force row level security;
do $$
begin
  execute format('create policy one_tenant on slow_notes to %I using (is_current(tenant_id)) with check (is_current(tenant_id))',
    format('slipway_%s_runtime', current_schema()));
  execute format('create policy every_tenant on slow_notes to %I using (true) with check (true)',
    format('slipway_%s_owner', current_schema()));
end
$$;

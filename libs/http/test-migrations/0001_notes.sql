create table notes (
  id integer generated always as identity primary key,
  tenant_id uuid not null,
  body text not null
);

create index notes_tenant on notes (tenant_id, id);

call tenant_table('notes');

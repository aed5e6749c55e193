create table notes (
  id uuid primary key,
  tenant_id uuid not null,
  body text not null,
  shouted text
);

call tenant_table('notes');

-- What services had people told, by the key that they gave it: asked for again, it is not sent again.
create table notice (
  key text primary key,
  at timestamptz not null default now()
);

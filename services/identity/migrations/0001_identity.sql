-- People, sessions and keys. They belong to no tenant: see schema.ts.
create table "user" (
  id uuid primary key,
  name text not null,
  email text not null check (email = lower(email)),
  email_verified boolean not null default false,
  image text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index user_email on "user" (email);

create table session (
  id uuid primary key,
  user_id uuid not null references "user" on delete cascade,
  token text not null,
  method text,
  expires_at timestamptz not null,
  ip_address text,
  user_agent text,
  active_organization_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index session_token on session (token);
create index session_of_user on session (user_id, id);
create index session_expiry on session (expires_at);

create table account (
  id uuid primary key,
  user_id uuid not null references "user" on delete cascade,
  account_id text not null,
  provider_id text not null,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  password text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index account_of_user on account (user_id);
create unique index account_provider on account (provider_id, account_id);

create table verification (
  -- better-auth also makes ids that are hashes.
  id text primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index verification_identifier on verification (identifier);
create index verification_expiry on verification (expires_at);

create table jwks (
  id uuid primary key,
  public_key text not null,
  private_key text not null,
  alg text,
  crv text,
  created_at timestamptz not null default now(),
  expires_at timestamptz
);

-- A tenant is an organization. It is not a row of a tenant but the tenant itself: found by slug before anybody knows its id.
create table organization (
  id uuid primary key,
  name text not null,
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$'),
  logo text,
  metadata text,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index organization_slug on organization (slug);

create table member (
  id uuid primary key,
  tenant_id uuid not null references organization on delete cascade,
  user_id uuid not null references "user" on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now()
);
create unique index member_once on member (tenant_id, user_id);
create index member_of_user on member (user_id);
create index member_page on member (tenant_id, id);
call tenant_table('member');

create table invitation (
  id uuid primary key,
  tenant_id uuid not null references organization on delete cascade,
  email text not null check (email = lower(email)),
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  status text not null default 'pending' check (status in ('pending', 'accepted', 'canceled')),
  token_hash text not null,
  inviter_id uuid not null references "user" on delete cascade,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create unique index invitation_token on invitation (token_hash);
create unique index invitation_once on invitation (tenant_id, email) where status = 'pending';
create index invitation_page on invitation (tenant_id, id);
call tenant_table('invitation');

create table api_key (
  id uuid primary key,
  tenant_id uuid not null references organization on delete cascade,
  name text not null,
  secret_hash text not null,
  scopes text[] not null,
  created_by uuid not null references "user" on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_key_page on api_key (tenant_id, id);
call tenant_table('api_key');

create table setting (
  tenant_id uuid not null references organization on delete cascade,
  key text not null,
  type text not null check (type in ('string', 'number', 'boolean', 'json', 'secret')),
  value jsonb,
  sealed bytea,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  updated_by text not null,
  primary key (tenant_id, key),
  check ((type = 'secret') = (sealed is not null) and (type = 'secret') = (value is null))
);
call tenant_table('setting');

-- Read by every verifier every few seconds.
create table revocation (
  id bigint primary key generated always as identity,
  kind text not null check (kind in ('session', 'key', 'member', 'user')),
  subject text not null,
  at timestamptz not null default clock_timestamp()
);
create index revocation_at on revocation (at);
call append_only_table('revocation');

create table operator (
  user_id uuid primary key references "user" on delete cascade,
  created_at timestamptz not null default now(),
  created_by text not null
);

create table sent_mail (
  id uuid primary key,
  sent_at timestamptz not null default now()
);

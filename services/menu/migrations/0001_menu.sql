create table menus (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null,
  description text,
  position integer not null,
  visible boolean not null default true,
  version integer not null default 1,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  unique (tenant_id, id)
);
create index menus_in_order on menus (tenant_id, position, id);
call tenant_table('menus');

create table categories (
  id uuid primary key,
  tenant_id uuid not null,
  menu_id uuid not null,
  name text not null,
  position integer not null,
  unique (tenant_id, id),
  -- Row level security does not apply to foreign keys: the tenant in the key keeps a category out of a foreign menu.
  foreign key (tenant_id, menu_id) references menus (tenant_id, id) on delete cascade
);
create index categories_in_order on categories (tenant_id, menu_id, position);
call tenant_table('categories');

create table dishes (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null,
  description text,
  price_amount integer not null check (price_amount >= 0),
  price_currency text not null check (price_currency ~ '^[A-Z]{3}$'),
  category_id uuid,
  allergens text[] not null default '{}',
  plate_diameter_cm double precision not null,
  position integer not null,
  visible boolean not null default true,
  -- The newest photo, which a worker may still have to normalise; the one that is shown; the newest request for a model; the one whose
  -- files are served. Each may be behind the one before it.
  photo_id uuid,
  shown_photo_id uuid,
  model_id uuid,
  served_id uuid,
  version integer not null default 1,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  unique (tenant_id, id),
  foreign key (tenant_id, category_id) references categories (tenant_id, id) on delete set null (category_id)
);
create index dishes_in_order on dishes (tenant_id, position, id);
create index dishes_of_category on dishes (tenant_id, category_id);
call tenant_table('dishes');

create table photos (
  id uuid primary key,
  tenant_id uuid not null,
  dish_id uuid not null,
  -- Of the bytes that were uploaded: what tells whether a photo is a new one.
  source_sha256 text not null check (source_sha256 ~ '^[0-9a-f]{64}$'),
  -- What was uploaded, location data and all; gone once the normalised photo is there.
  source_key text,
  key text,
  sha256 text,
  width integer,
  height integer,
  bytes integer,
  uploaded_at timestamptz(3) not null,
  foreign key (tenant_id, dish_id) references dishes (tenant_id, id) on delete cascade,
  check ((key is null) = (sha256 is null or width is null or height is null or bytes is null)),
  check (key is not null or source_key is not null)
);
create index photos_of_dish on photos (tenant_id, dish_id);
-- For the system role, which looks across tenants.
create index photos_not_normalised on photos (uploaded_at) where key is null;
call tenant_table('photos');

create table models (
  id uuid primary key,
  tenant_id uuid not null,
  dish_id uuid not null,
  photo_id uuid not null,
  -- Of all that the model is made of: the same digest, the same model.
  digest text not null,
  job_id uuid not null,
  state text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  -- Of the run that may write here; another run of the same job takes its place.
  run_token uuid,
  step text,
  progress integer not null default 0 check (progress between 0 and 100),
  attempt integer not null default 0,
  -- Counts every write, so that followers know what they have seen.
  revision integer not null default 1,
  help jsonb,
  diameter_cm double precision not null,
  result jsonb,
  error jsonb,
  queued_at timestamptz(3) not null,
  started_at timestamptz(3),
  finished_at timestamptz(3),
  foreign key (tenant_id, dish_id) references dishes (tenant_id, id) on delete cascade,
  check ((state = 'done') = (result is not null)),
  check ((state = 'running') = (run_token is not null))
);
create index models_of_dish on models (tenant_id, dish_id);
call tenant_table('models');

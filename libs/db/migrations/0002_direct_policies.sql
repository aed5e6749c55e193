-- The policy reads the setting itself and not by a sub-select, which Postgres plans and sets up anew for each statement: a quarter of a
-- small read. The setting is stable, so that it is evaluated once for a query that names its tenant, or that goes by an index which begins
-- with the tenant. Only a query that does neither evaluates it for each row that it looks at.
create or replace procedure tenant_table(target regclass) language plpgsql as $$
declare
  service constant text := current_schema();
  current_tenant constant text := 'nullif(current_setting(''slipway.tenant'', true), '''')::uuid';
begin
  if not exists (select from pg_attribute where attrelid = target and attname = 'tenant_id' and atttypid = 'uuid'::regtype) then
    raise exception 'table % has no column tenant_id of type uuid', target;
  end if;
  execute format('alter table %s alter column tenant_id set default %s', target, current_tenant);
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy one_tenant on %s to %I using (tenant_id = %s) with check (tenant_id = %3$s)',
    target, format('slipway_%s_runtime', service), current_tenant);
  execute format('create policy every_tenant on %s to %I, %I using (true) with check (true)',
    target, format('slipway_%s_system', service), format('slipway_%s_owner', service));
  execute format('create policy backup on %s for select to slipway_backup using (true)', target);
end
$$;

do $$
declare
  current_tenant constant text := 'nullif(current_setting(''slipway.tenant'', true), '''')::uuid';
  target regclass;
begin
  for target in
    select polrelid from pg_policy join pg_class on pg_class.oid = polrelid
    where polname = 'one_tenant' and relnamespace = current_schema()::regnamespace order by polrelid
  loop
    execute format('alter policy one_tenant on %s using (tenant_id = %s) with check (tenant_id = %2$s)', target, current_tenant);
  end loop;
end
$$;

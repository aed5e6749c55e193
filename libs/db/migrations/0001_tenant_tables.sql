-- The migration that creates a table calls one of these; both are owned by and run as the role that migrates.

-- Every table with a tenant_id: rows of the transaction's tenant for runtime, all rows for system and for later migrations
-- (a backfill runs as the owner, to whom FORCE applies the policies too), reading for backup. The setting reads '' instead of null on
-- a connection that has had it before; as a sub-select it is evaluated once per statement.
create procedure tenant_table(target regclass) language plpgsql as $$
declare
  service constant text := current_schema();
  same_tenant constant text := 'tenant_id = (select nullif(current_setting(''slipway.tenant'', true), '''')::uuid)';
begin
  if not exists (select from pg_attribute where attrelid = target and attname = 'tenant_id' and atttypid = 'uuid'::regtype) then
    raise exception 'table % has no column tenant_id of type uuid', target;
  end if;
  execute format('alter table %s alter column tenant_id set default nullif(current_setting(''slipway.tenant'', true), '''')::uuid', target);
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy one_tenant on %s to %I using (%s) with check (%s)',
    target, format('slipway_%s_runtime', service), same_tenant, same_tenant);
  execute format('create policy every_tenant on %s to %I, %I using (true) with check (true)',
    target, format('slipway_%s_system', service), format('slipway_%s_owner', service));
  execute format('create policy backup on %s for select to slipway_backup using (true)', target);
end
$$;

-- A table whose rows are never changed: runtime adds and reads, system may also remove what is older than its retention.
create procedure append_only_table(target regclass) language plpgsql as $$
begin
  execute format('revoke update, delete, truncate on %s from %I', target, format('slipway_%s_runtime', current_schema()));
  execute format('revoke update, truncate on %s from %I', target, format('slipway_%s_system', current_schema()));
end
$$;

-- Every durable job from its request to its end, and the dead letters of all jobs. Redis holds what runs next; this table holds what is owed.
--
-- pending    requested, not in Redis yet            waiting    in Redis, not started
-- active     a worker runs it                       retrying   failed, in Redis until its backoff is over
-- completed | cancelled | failed (nobody needs to look) | dead (a person decides)
create table jobs (
  id uuid primary key,
  tenant_id uuid not null,
  queue text not null,
  key text,
  payload jsonb not null,
  state text not null check (state in ('pending', 'waiting', 'active', 'retrying', 'completed', 'cancelled', 'failed', 'dead')),
  -- Counts how often the row was handed to Redis anew; a Redis job of an earlier run is refused.
  run integer not null default 1,
  attempts integer not null default 0,
  max_attempts integer not null,
  run_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  -- No worker may still be at it after this moment.
  deadline_at timestamptz,
  finished_at timestamptz,
  cancel_requested_at timestamptz,
  reason text,
  stack text,
  traceparent text,
  actor text,
  replay_of uuid,
  -- The job that a person made of this one; it is nobody's dead letter any more.
  replayed_as uuid
);

call tenant_table('jobs');

-- A request for work that already waits joins it. Work that runs is not in the index: what it reads may be older than the request.
create unique index jobs_waiting_once on jobs (queue, tenant_id, key) where key is not null and state in ('pending', 'waiting');
create index jobs_in_flight on jobs (queue, tenant_id, key) where key is not null and state in ('waiting', 'active', 'retrying');
create index jobs_to_relay on jobs (id) where state = 'pending';
create index jobs_to_reconcile on jobs (id) where state in ('waiting', 'active', 'retrying');
create index jobs_to_remove on jobs (queue, state, finished_at) where finished_at is not null;
create index jobs_of_tenant on jobs (tenant_id, state, id);

-- The platform's own jobs have the nil tenant. A transaction of one tenant may request work of that tenant and of the platform only;
-- a transaction without tenant may name any.
create function enqueue_job(
  job_id uuid, job_tenant uuid, job_queue text, job_key text, job_payload jsonb, job_attempts integer, job_delay bigint, job_trace text
) returns uuid language plpgsql as $$
declare
  outer_tenant constant text := coalesce(current_setting('slipway.tenant', true), '');
  stored uuid;
begin
  if outer_tenant = '' or job_tenant = '00000000-0000-0000-0000-000000000000' then
    perform set_config('slipway.tenant', job_tenant::text, true);
  end if;
  -- The conflicting row stays locked until this transaction ends, so the job cannot start before it sees what we commit. An earlier
  -- time than the one it waits for means a new run.
  insert into jobs as job (id, tenant_id, queue, key, payload, state, max_attempts, run_at, traceparent, actor)
    values (job_id, job_tenant, job_queue, job_key, job_payload, 'pending', job_attempts, now() + job_delay * interval '1 ms', job_trace,
      nullif(current_setting('slipway.actor', true), ''))
    on conflict (queue, tenant_id, key) where key is not null and state in ('pending', 'waiting') do update set
      payload = excluded.payload,
      updated_at = now(),
      run_at = least(job.run_at, excluded.run_at),
      run = case when job.state = 'waiting' and excluded.run_at < job.run_at and job.run_at > now() then job.run + 1 else job.run end,
      state = case when job.state = 'waiting' and excluded.run_at < job.run_at and job.run_at > now() then 'pending' else job.state end
    returning job.id into stored;
  perform set_config('slipway.tenant', outer_tenant, true);
  return stored;
end
$$;

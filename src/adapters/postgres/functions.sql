-- Every function takes the owner first and touches that owner's rows only. The owner's row of users is
-- locked before anything else, everywhere, so no two calls wait for each other in a circle. What can be
-- expected to fail is returned as a status; exceptions are for defects. A function that gets other
-- parameters is a new one beside the former, which processes of the version before go on calling.

-- Bytes of all documents of the owner, without their revisions.
create or replace function taskport.count_bytes(p_owner text) returns bigint language sql stable as $$
  select coalesce(sum(octet_length(t.document) - octet_length(t.revision::text) - 1), 0)
  from taskport.tasks as t where t.user_id = p_owner;
$$;

-- Counts the owner up and locks the row until the end of the transaction. base is the revision before.
create or replace function taskport.take_revisions(
  p_owner text, p_count bigint, p_added integer, p_quota integer, p_bytes bigint,
  p_bytes_quota bigint, p_at text,
  out status text, out base bigint, out timeline text, out webhooks boolean
) language plpgsql as $$
declare
  v_started timestamptz;
  v_file text;
  v_table oid;
  v_bytes bigint;
begin
  loop
    perform from taskport.users as u
    where u.id = p_owner and u.task_bytes is null and u.deleted_at is null;
    if found then
      v_bytes := taskport.count_bytes(p_owner);
      update taskport.users as u set task_bytes = v_bytes
      where u.id = p_owner and u.task_bytes is null and u.deleted_at is null;
    end if;

    update taskport.users as u
    set revision = u.revision + p_count, task_count = u.task_count + p_added,
      task_bytes = u.task_bytes + p_bytes
    where u.id = p_owner and u.deleted_at is null
      and (p_added <= 0 or u.task_count + p_added <= p_quota)
      and (p_bytes <= 0 or u.task_bytes + p_bytes <= p_bytes_quota)
    returning u.revision - p_count, u.timeline, u.webhooks > 0, u.started, u.file, u.tableoid
    into base, timeline, webhooks, v_started, v_file, v_table;
    exit when found;

    -- Without a reason, another commit has meanwhile inserted or changed the row.
    select case when u.deleted_at is not null then 'account-deleted'
      when p_added > 0 and u.task_count + p_added > p_quota then 'quota-exceeded'
      when p_bytes > 0 and u.task_bytes + p_bytes > p_bytes_quota then 'bytes-exceeded' end
    into status from taskport.users as u where u.id = p_owner;
    if not found then
      insert into taskport.users (id, revision, task_count, task_bytes) values (p_owner, 0, 0, 0)
      on conflict (id) do nothing;
    elsif status is not null then
      return;
    end if;
  end loop;

  status := 'committed';
  if p_count > 0 and (v_started is distinct from pg_postmaster_start_time()
      or v_file is distinct from pg_relation_filepath(v_table)) then
    timeline := taskport.begin_timeline(p_owner, base + 1, p_at, pg_relation_filepath(v_table));
  end if;
end $$;

-- A timeline begins with the first commit after a start of the server, wherever that reads its files
-- from, and after another table has taken this one's place. Those that ended 90 days ago are dropped.
create or replace function taskport.begin_timeline(
  p_owner text, p_revision bigint, p_at text, p_file text
) returns text language plpgsql as $$
declare
  v_name text := substr(md5(gen_random_uuid()::text), 1, 12);
  v_since text := to_char(p_at::timestamptz at time zone 'UTC' - interval '90 days',
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
  v_timelines json;
begin
  select json_agg(each.value order by each.n) into v_timelines
  from (
    select value, n, lead(value ->> 'at') over (order by n) as ended
    from (
      select value, n from taskport.users as u,
        json_array_elements(u.timelines::json) with ordinality as known (value, n)
      where u.id = p_owner
      union all
      select json_build_object('name', v_name, 'revision', p_revision, 'at', p_at), 1000000
    ) as every
  ) as each
  where each.ended is null or each.ended >= v_since;

  update taskport.users as u
  set timeline = v_name, timelines = v_timelines::text,
    started = pg_postmaster_start_time(), file = p_file
  where u.id = p_owner;
  return v_name;
end $$;

-- Takes back what take_revisions has taken. No one has seen it.
create or replace function taskport.return_revisions(
  p_owner text, p_count bigint, p_added integer, p_bytes bigint
) returns void language sql as $$
  update taskport.users as u
  set revision = u.revision - p_count, task_count = u.task_count - p_added,
    task_bytes = u.task_bytes - p_bytes
  where u.id = p_owner;
$$;

-- Makes the owner's webhooks due; whether there are any that are enabled.
create or replace function taskport.wake_webhooks(p_owner text, p_at text)
returns boolean language plpgsql as $$
begin
  update taskport.webhooks as w
  set due_at = coalesce(w.due_at, p_at), version = w.version + 1
  where w.user_id = p_owner and not w.disabled;
  return found;
end $$;

-- Whether the owner has an idempotency record with that key, which may be null.
create or replace function taskport.has_record(p_owner text, p_key text)
returns boolean language plpgsql as $$
begin
  if p_key is null then
    return false;
  end if;
  perform from taskport.idempotency_records as r where r.user_id = p_owner and r.key = p_key;
  return found;
end $$;

-- Commits one write, with its row of the change log (p_log, null when there is none) and its idempotency
-- record (p_key, null without one). p_document lacks the revision and the closing brace; p_before is the
-- document before the change, if an idempotency record may refer to it.
create or replace function taskport.commit_write(
  p_owner text, p_quota integer, p_bytes bigint, p_bytes_quota bigint, p_at text, p_op text, p_id uuid, p_base bigint, p_log text,
  p_before text, p_document text, p_format smallint, p_completed boolean, p_priority text,
  p_title_key text, p_due_key text, p_remind_key text, p_search_text text,
  p_key text, p_request text, p_record text,
  out status text, out base bigint, out timeline text, out webhooks boolean
) language plpgsql as $$
declare
  v_count bigint := case when p_log is null then 0 else 1 end;
  v_added integer := case p_op when 'create' then 1 when 'remove' then -1 else 0 end;
  v_recorded_at text := case when p_key is not null then p_at end;
  v_started timestamptz;
  v_file text;
  v_table oid;
begin
  -- As take_revisions does when nothing is out of the ordinary.
  update taskport.users as u
  set revision = u.revision + v_count, task_count = u.task_count + v_added,
    task_bytes = u.task_bytes + p_bytes
  where u.id = p_owner and u.deleted_at is null
    and (v_added <= 0 or u.task_count + v_added <= p_quota)
    and u.task_bytes + p_bytes <= p_bytes_quota
  returning 'committed', u.revision - v_count, u.timeline, u.webhooks > 0, u.started, u.file,
    u.tableoid
  into status, base, timeline, webhooks, v_started, v_file, v_table;
  if found then
    if v_count > 0 and (v_started is distinct from pg_postmaster_start_time()
        or v_file is distinct from pg_relation_filepath(v_table)) then
      timeline := taskport.begin_timeline(p_owner, base + 1, p_at, pg_relation_filepath(v_table));
    end if;
  else
    select taken.* into status, base, timeline, webhooks
    from taskport.take_revisions(p_owner, v_count, v_added, p_quota, p_bytes, p_bytes_quota, p_at)
      as taken;
    if status <> 'committed' then
      return;
    end if;
  end if;

  if p_key is not null then
    perform from taskport.idempotency_records as r where r.user_id = p_owner and r.key = p_key;
    status := case when found then 'duplicate' else 'committed' end;
  end if;
  if status = 'duplicate' then
    null;
  elsif p_op = 'create' then
    insert into taskport.tasks (user_id, id, revision, timeline, format, completed, priority,
      title_key, due_key, remind_key, recorded_at, search_text, document)
    values (p_owner, p_id, base + 1, timeline, p_format, p_completed, p_priority, p_title_key,
      p_due_key, p_remind_key, v_recorded_at, p_search_text, p_document || (base + 1) || '}');
  elsif p_op = 'replace' then
    update taskport.tasks as t
    set revision = base + 1, timeline = commit_write.timeline, format = p_format,
      completed = p_completed, priority = p_priority, title_key = p_title_key, due_key = p_due_key,
      remind_key = p_remind_key, recorded_at = v_recorded_at, search_text = p_search_text,
      document = p_document || (base + 1) || '}'
    where t.user_id = p_owner and t.id = p_id and t.revision = p_base;
    status := case when found then 'committed' else 'conflict' end;
  elsif p_op = 'remove' then
    delete from taskport.tasks as t
    where t.user_id = p_owner and t.id = p_id and t.revision = p_base;
    status := case when found then 'committed' else 'conflict' end;
  else
    update taskport.tasks as t set recorded_at = coalesce(v_recorded_at, t.recorded_at)
    where t.user_id = p_owner and t.id = p_id and t.revision = p_base;
    status := case when found then 'committed' else 'conflict' end;
  end if;
  if status <> 'committed' then
    perform taskport.return_revisions(p_owner, v_count, v_added, p_bytes);
    return;
  end if;

  if p_log is not null then
    insert into taskport.changes (user_id, revision, id, op, at, before)
    values (p_owner, base + 1, p_id, p_log, p_at, p_before);
  end if;
  if p_key is not null then
    insert into taskport.idempotency_records
      (user_id, key, request, changes, base_revision, timeline, at)
    values (p_owner, p_key, p_request, p_record, base, timeline, p_at);
  end if;
  webhooks := webhooks and p_log is not null and taskport.wake_webhooks(p_owner, p_at);
end $$;

-- Commits any number of writes as a whole. p_writes is a JSON array of objects with the parameters of
-- commit_write and the offset of the revision, p_log one of {id, op, offset, before}.
create or replace function taskport.commit_writes(
  p_owner text, p_quota integer, p_bytes bigint, p_bytes_quota bigint, p_at text, p_count bigint, p_added integer,
  p_writes json, p_log json, p_key text, p_request text, p_record text,
  out status text, out base bigint, out timeline text, out webhooks boolean
) language plpgsql as $$
declare
  v_recorded_at text := case when p_key is not null then p_at end;
begin
  select taken.* into status, base, timeline, webhooks
  from taskport.take_revisions(p_owner, p_count, p_added, p_quota, p_bytes, p_bytes_quota, p_at)
    as taken;
  if status <> 'committed' then
    return;
  end if;

  if taskport.has_record(p_owner, p_key) then
    status := 'duplicate';
  elsif exists (
    select from json_to_recordset(p_writes) as w (op text, id uuid, base bigint)
    where w.op <> 'create' and not exists (
      select from taskport.tasks as t
      where t.user_id = p_owner and t.id = w.id and t.revision = w.base)
  ) then
    status := 'conflict';
  end if;
  if status <> 'committed' then
    perform taskport.return_revisions(p_owner, p_count, p_added, p_bytes);
    return;
  end if;

  delete from taskport.tasks as t
  using json_to_recordset(p_writes) as w (op text, id uuid)
  where w.op = 'remove' and t.user_id = p_owner and t.id = w.id;

  update taskport.tasks as t
  set revision = commit_writes.base + w."offset", timeline = commit_writes.timeline,
    format = w.format, completed = w.completed, priority = w.priority, title_key = w.title_key,
    due_key = w.due_key, remind_key = w.remind_key, recorded_at = v_recorded_at,
    search_text = w.search_text, document = w.document || (commit_writes.base + w."offset") || '}'
  from json_to_recordset(p_writes) as w (op text, id uuid, "offset" bigint, document text,
    format smallint, completed boolean, priority text, title_key text, due_key text,
    remind_key text, search_text text)
  where w.op = 'replace' and t.user_id = p_owner and t.id = w.id;

  insert into taskport.tasks (user_id, id, revision, timeline, format, completed, priority,
    title_key, due_key, remind_key, recorded_at, search_text, document)
  select p_owner, w.id, commit_writes.base + w."offset", commit_writes.timeline, w.format,
    w.completed, w.priority, w.title_key, w.due_key, w.remind_key, v_recorded_at, w.search_text,
    w.document || (commit_writes.base + w."offset") || '}'
  from json_to_recordset(p_writes) as w (op text, id uuid, "offset" bigint, document text,
    format smallint, completed boolean, priority text, title_key text, due_key text,
    remind_key text, search_text text)
  where w.op = 'create';

  update taskport.tasks as t set recorded_at = v_recorded_at
  from json_to_recordset(p_writes) as w (op text, id uuid)
  where w.op = 'check' and t.user_id = p_owner and t.id = w.id and v_recorded_at is not null;

  insert into taskport.changes (user_id, revision, id, op, at, before)
  select p_owner, commit_writes.base + l."offset", l.id, l.op, p_at, l.before
  from json_to_recordset(p_log) as l (id uuid, op text, "offset" bigint, before text);

  if p_key is not null then
    insert into taskport.idempotency_records
      (user_id, key, request, changes, base_revision, timeline, at)
    values (p_owner, p_key, p_request, p_record, commit_writes.base, commit_writes.timeline, p_at);
  end if;
  webhooks := webhooks and p_count > 0 and taskport.wake_webhooks(p_owner, p_at);
end $$;

-- Deletes everything of the owner, and leaves a mark that has every later commit refused.
create or replace function taskport.delete_account(p_owner text, p_at text)
returns void language plpgsql as $$
begin
  insert into taskport.users as u (id, revision, task_count, deleted_at) values (p_owner, 0, 0, p_at)
  on conflict (id) do update
  set revision = 0, task_count = 0, task_bytes = 0, deleted_at = excluded.deleted_at, timeline = '',
    timelines = '[]', started = null, compacted_revision = 0, swept_revision = 0, webhooks = 0;
  delete from taskport.tasks as t where t.user_id = p_owner;
  delete from taskport.changes as c where c.user_id = p_owner;
  delete from taskport.idempotency_records as r where r.user_id = p_owner;
  delete from taskport.webhooks as w where w.user_id = p_owner;
end $$;

-- Removes at most p_limit rows of each kind; how many.
create or replace function taskport.purge(
  p_owner text, p_tombstones text, p_records text, p_revisions bigint, p_limit integer
) returns bigint language plpgsql as $$
declare
  v_removed bigint := 0;
  v_count bigint;
  v_compacted bigint;
  v_revision bigint;
begin
  select u.revision into v_revision from taskport.users as u where u.id = p_owner for update;

  with old as (
    select c.revision from taskport.changes as c
    where c.user_id = p_owner and c.op <> 'upsert'
      and (c.at < p_tombstones or c.revision <= v_revision - p_revisions)
      and not exists (
        select from taskport.tasks as t
        where t.user_id = p_owner and t.id = c.id and t.revision = c.revision)
    order by c.revision limit p_limit
  ), gone as (
    delete from taskport.changes as c using old
    where c.user_id = p_owner and c.revision = old.revision
    returning c.op, c.revision
  )
  select count(*), max(gone.revision) filter (where gone.op = 'delete')
  into v_count, v_compacted from gone;
  v_removed := v_count;
  if v_compacted is not null then
    update taskport.users as u set compacted_revision = greatest(u.compacted_revision, v_compacted)
    where u.id = p_owner;
  end if;

  with superseded as (
    select c.revision from taskport.changes as c
    where c.user_id = p_owner and c.op = 'upsert' and (c.before is null or c.at < p_records)
      and not exists (
        select from taskport.tasks as t
        where t.user_id = p_owner and t.id = c.id and t.revision = c.revision)
    limit p_limit
  )
  delete from taskport.changes as c using superseded
  where c.user_id = p_owner and c.revision = superseded.revision;
  get diagnostics v_count = row_count;
  v_removed := v_removed + v_count;
  if v_count < p_limit then
    update taskport.users as u set swept_revision = u.revision where u.id = p_owner;
  end if;

  with old as (
    select c.revision from taskport.changes as c
    where c.user_id = p_owner and c.before is not null and c.at < p_records limit p_limit
  )
  update taskport.changes as c set before = null from old
  where c.user_id = p_owner and c.revision = old.revision;
  get diagnostics v_count = row_count;
  v_removed := v_removed + v_count;

  with old as (
    select r.key from taskport.idempotency_records as r
    where r.user_id = p_owner and r.at < p_records limit p_limit
  )
  delete from taskport.idempotency_records as r using old
  where r.user_id = p_owner and r.key = old.key;
  get diagnostics v_count = row_count;
  v_removed := v_removed + v_count;

  delete from taskport.users as u where u.id = p_owner and u.deleted_at < p_tombstones;
  get diagnostics v_count = row_count;
  return v_removed + v_count;
end $$;

-- Stores the idempotency record of a change of a webhook; nothing without a key.
create or replace function taskport.store_record(
  p_owner text, p_key text, p_request text, p_record text, p_at text
) returns void language plpgsql as $$
begin
  if p_key is not null then
    insert into taskport.idempotency_records
      (user_id, key, request, changes, base_revision, timeline, at)
    values (p_owner, p_key, p_request, p_record, 0, '', p_at);
  end if;
end $$;

create or replace function taskport.create_webhook(
  p_owner text, p_most integer, p_id uuid, p_version bigint, p_disabled boolean, p_due_at text,
  p_document text,
  p_key text, p_request text, p_record text, p_at text
) returns text language plpgsql as $$
declare
  v_webhooks integer;
  v_deleted_at text;
begin
  insert into taskport.users (id, revision, task_count) values (p_owner, 0, 0)
  on conflict (id) do nothing;
  select u.webhooks, u.deleted_at into v_webhooks, v_deleted_at
  from taskport.users as u where u.id = p_owner for update;
  if v_deleted_at is not null then
    return 'account-deleted';
  elsif taskport.has_record(p_owner, p_key) then
    return 'duplicate';
  elsif v_webhooks >= p_most then
    return 'limit';
  end if;
  perform taskport.store_record(p_owner, p_key, p_request, p_record, p_at);
  insert into taskport.webhooks (user_id, id, version, disabled, due_at, document)
  values (p_owner, p_id, p_version, p_disabled, p_due_at, p_document);
  update taskport.users as u set webhooks = u.webhooks + 1 where u.id = p_owner;
  return 'created';
end $$;

create or replace function taskport.replace_webhook(
  p_owner text, p_id uuid, p_version bigint, p_disabled boolean, p_due_at text, p_document text,
  p_key text, p_request text, p_record text, p_at text
) returns text language plpgsql as $$
begin
  perform from taskport.users as u where u.id = p_owner for update;
  if taskport.has_record(p_owner, p_key) then
    return 'duplicate';
  end if;
  update taskport.webhooks as w
  set version = w.version + 1, disabled = p_disabled, due_at = p_due_at, document = p_document
  where w.user_id = p_owner and w.id = p_id and w.version = p_version;
  if not found then
    return 'conflict';
  end if;
  perform taskport.store_record(p_owner, p_key, p_request, p_record, p_at);
  return 'replaced';
end $$;

create or replace function taskport.remove_webhook(
  p_owner text, p_id uuid, p_key text, p_request text, p_record text, p_at text
) returns text language plpgsql as $$
begin
  perform from taskport.users as u where u.id = p_owner for update;
  if taskport.has_record(p_owner, p_key) then
    return 'duplicate';
  end if;
  delete from taskport.webhooks as w where w.user_id = p_owner and w.id = p_id;
  if not found then
    return 'absent';
  end if;
  update taskport.users as u set webhooks = u.webhooks - 1 where u.id = p_owner;
  perform taskport.store_record(p_owner, p_key, p_request, p_record, p_at);
  return 'removed';
end $$;

-- The tokens are on the coordinator of a Citus cluster, and calls that do not begin with p_owner are run
-- there. A transaction on two nodes ends on one first: the owner's row, which is on another node, can
-- keep no order here. So both functions take a lock of their own, and come one after the other.
create or replace function taskport.create_token(
  p_user text, p_most integer, p_hash text, p_id uuid, p_document text
) returns text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_user, 1));
  perform from taskport.users as u where u.id = p_user and u.deleted_at is not null;
  if found then
    return 'account-deleted';
  end if;
  perform from taskport.tokens as t where t.user_id = p_user offset p_most - 1;
  if found then
    return 'limit';
  end if;
  insert into taskport.tokens (hash, user_id, id, document) values (p_hash, p_user, p_id, p_document);
  return 'created';
end $$;

-- After delete_account, whose mark has every later create_token refused.
create or replace function taskport.delete_tokens(p_user text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_user, 1));
  delete from taskport.tokens as t where t.user_id = p_user;
end $$;

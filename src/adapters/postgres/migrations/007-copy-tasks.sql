-- Copies the next 20 000 tasks, in the order of the primary key, which leaves each user's tasks side by
-- side. Run again and again, each time in a transaction of its own, until it copies none.
do $$
declare
  v_user text;
  v_id uuid;
begin
  select user_id, id into v_user, v_id from taskport.tasks
  order by user_id desc, id desc limit 1;

  create temporary table batch on commit drop as
  select * from taskport.former_tasks
  where v_user is null or (user_id, id) > (v_user, v_id)
  order by user_id, id limit 20000;

  insert into taskport.changes (user_id, revision, id, op, at)
  select user_id, revision, id, case when reminded_revision = revision then 'remind' else 'upsert' end,
    updated_at
  from batch
  union all
  select user_id, reminded_revision, id, 'remind', reminded_at from batch
  where reminded_revision > 0 and reminded_revision < revision and reminded_at is not null;

  insert into taskport.tasks (user_id, id, revision, format, completed, timeline, priority, title_key,
    due_key, remind_key, search_text, document)
  select user_id, id, revision, 10328, completed,
    coalesce((
      select known ->> 'name'
      from taskport.users as u, json_array_elements(u.timelines::json) as known
      where u.id = task.user_id and (known ->> 'revision')::bigint <= task.revision
      order by (known ->> 'revision')::bigint desc limit 1), ''),
    priority, title_key, coalesce(due_key, '~'),
    case when completed or reminded_at is not null then null else remind_at end, search_text, served
  from batch as task;
end $$;

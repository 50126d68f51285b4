-- Each task also is kept as the JSON that it is served as, made by the database with every write: a
-- list then is joined, not built. Such a column cannot be added to a table, so there is a new one.
create table served_tasks (
  user_id text not null,
  id text not null,
  title text not null,
  description text,
  completed integer not null check (completed in (0, 1)),
  priority text check (priority in ('low', 'medium', 'high')),
  due_date text,
  remind_at text,
  reminded_at text,
  created_at text not null,
  updated_at text not null,
  revision integer not null,
  reminded_revision integer not null default 0,
  title_key text not null,
  due_key text,
  search_text text not null,
  served text not null generated always as (json_object(
    'id', id, 'user_id', user_id, 'title', title, 'description', description,
    'completed', json(iif(completed, 'true', 'false')), 'priority', priority,
    'due_date', due_date, 'remind_at', remind_at, 'reminded_at', reminded_at,
    'created_at', created_at, 'updated_at', updated_at, 'revision', revision)) stored,
  primary key (user_id, id)
) strict, without rowid;

insert into served_tasks (user_id, id, title, description, completed, priority, due_date, remind_at,
  reminded_at, created_at, updated_at, revision, reminded_revision, title_key, due_key, search_text)
select user_id, id, title, description, completed, priority, due_date, remind_at, reminded_at,
  created_at, updated_at, revision, reminded_revision, title_key, due_key, search_text from tasks;

drop table tasks;
alter table served_tasks rename to tasks;

create unique index tasks_id on tasks (id);
create unique index tasks_revision on tasks (user_id, revision);
create index tasks_pending on tasks (user_id, id) where not completed;
create index tasks_title on tasks (user_id, title_key, id);
create index tasks_due_asc on tasks (user_id, coalesce(due_key, '~'), id);
create index tasks_due_desc on tasks (user_id, coalesce(due_key, ''), id);
create index tasks_armed on tasks (remind_at)
where remind_at is not null and reminded_at is null and not completed;

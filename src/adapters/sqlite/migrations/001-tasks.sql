-- Every key starts with the user. Texts compare byte by byte (BINARY); *_key and search_text are
-- computed by the domain, so that order and search are the same on every storage.
create table users (
  id text primary key,
  revision integer not null,
  task_count integer not null
) strict, without rowid;

create table tasks (
  user_id text not null,
  id text not null,
  title text not null,
  description text,
  completed integer not null check (completed in (0, 1)),
  priority text check (priority in ('low', 'medium', 'high')),
  due_date text,
  created_at text not null,
  updated_at text not null,
  revision integer not null,
  title_key text not null,
  due_key text,
  search_text text not null,
  primary key (user_id, id)
) strict, without rowid;

create unique index tasks_id on tasks (id);
create unique index tasks_revision on tasks (user_id, revision);
create index tasks_pending on tasks (user_id, id) where not completed;
create index tasks_title on tasks (user_id, title_key, id);
create index tasks_due_asc on tasks (user_id, coalesce(due_key, '~'), id);
create index tasks_due_desc on tasks (user_id, coalesce(due_key, ''), id);

-- Every key starts with the user. Texts compare byte by byte (collation "C"); *_key and search_text
-- are computed by the domain, so that order and search are the same on every storage. Times are kept
-- as they are served, RFC 3339 in UTC with milliseconds: in this form they sort as text.
create table taskport.users (
  id text collate "C" primary key,
  revision bigint not null,
  task_count integer not null
);

create table taskport.tasks (
  user_id text collate "C" not null,
  id uuid not null,
  title text not null,
  description text,
  completed boolean not null,
  priority text check (priority in ('low', 'medium', 'high')),
  due_date text,
  created_at text not null,
  updated_at text not null,
  revision bigint not null,
  title_key text collate "C" not null,
  due_key text collate "C",
  search_text text not null,
  primary key (user_id, id)
);

create unique index tasks_id on taskport.tasks (id);
create unique index tasks_revision on taskport.tasks (user_id, revision);
create index tasks_pending on taskport.tasks (user_id, id) where not completed;
create index tasks_title on taskport.tasks (user_id, title_key, id);
create index tasks_due_asc on taskport.tasks (user_id, coalesce(due_key, '~'), id);
create index tasks_due_desc on taskport.tasks (user_id, coalesce(due_key, ''), id);

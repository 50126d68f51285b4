-- Webhooks follow the change feed from a position of their own; those with something to deliver have
-- due_at. Lists (events, secrets) and the position are JSON. Jobs are what the process does by itself.
create table webhooks (
  user_id text not null,
  id text not null,
  url text not null,
  events text not null,
  secrets text not null,
  created_at text not null,
  position text not null,
  failures integer not null,
  last_attempt_at text,
  last_error text,
  failing_since text,
  disabled text,
  due_at text,
  version integer not null,
  primary key (user_id, id)
) strict, without rowid;

create index webhooks_due on webhooks (due_at) where due_at is not null;

create table jobs (
  kind text not null,
  key text not null,
  run_at text not null,
  failures integer not null default 0,
  taken integer not null default 0,
  primary key (kind, key)
) strict, without rowid;

create index jobs_waiting on jobs (run_at) where taken = 0;

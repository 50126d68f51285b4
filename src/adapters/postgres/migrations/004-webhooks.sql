-- Webhooks follow the change feed from a position of their own; those with something to deliver have
-- due_at. Lists (events, secrets) and the position are JSON.
create table taskport.webhooks (
  user_id text collate "C" not null,
  id uuid not null,
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
  due_at text collate "C",
  version bigint not null,
  primary key (user_id, id)
);

create index webhooks_due on taskport.webhooks (due_at) where due_at is not null;

-- A task is its document (the JSON it is served as, written by the program) and the keys that it is
-- sorted, filtered or found by. The change log has a row per revision. A timeline begins with the first
-- commit of an owner in another incarnation (a process that opened the file). Webhooks are documents, too.
alter table users rename column purged to compacted_revision;
alter table users rename column epoch to incarnation;
alter table users rename column marks to timelines;
alter table users add column timeline text not null default '';
alter table users add column swept_revision integer not null default 0;
alter table users add column webhooks integer not null default 0;
alter table users add column deleted_at text;
update users set timelines = (
  select json_group_array(json_object('name', value ->> 'history', 'revision', value ->> 'revision',
    'at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
  from json_each(timelines));
update users set timeline = coalesce(timelines ->> '$[#-1].name', ''),
  webhooks = (select count(*) from webhooks as w where w.user_id = users.id);
create index users_deleted on users (deleted_at) where deleted_at is not null;

create table changes (
  user_id text not null,
  revision integer not null,
  id text not null,
  op text not null check (op in ('upsert', 'remind', 'delete')),
  at text not null,
  before text,
  primary key (user_id, revision)
) strict, without rowid;

alter table tasks rename to former_tasks;
create table tasks (
  user_id text not null,
  id text not null,
  revision integer not null,
  timeline text not null,
  format integer not null,
  completed integer not null check (completed in (0, 1)),
  priority text,
  title_key text not null,
  due_key text not null,
  remind_key text,
  recorded_at text,
  search_text text not null,
  document text not null,
  primary key (user_id, id)
) strict, without rowid;

create table idempotency_records (
  user_id text not null,
  key text not null,
  request text not null,
  changes text not null,
  base_revision integer not null,
  timeline text not null,
  at text not null,
  primary key (user_id, key)
) strict, without rowid;
insert into idempotency_records
select user_id, key, request, (
    select json_group_array(json_object(
      'op', value ->> '$.change.op',
      'id', coalesce(value ->> '$.change.id', value ->> '$.change.task.id'),
      'revisionOffset', value ->> '$.nth',
      'version', iif(value ->> '$.nth' > 0, null,
        json_object('revision', value ->> '$.change.revision', 'timeline', ''))))
    from json_each(receipts.changes)),
  base, '', stored_at
from receipts;
drop table receipts;
create index idempotency_records_at on idempotency_records (at);

alter table webhooks rename to former_webhooks;
create table webhooks (
  user_id text not null,
  id text not null,
  version integer not null,
  disabled integer not null check (disabled in (0, 1)),
  due_at text,
  document text not null,
  primary key (user_id, id)
) strict, without rowid;
insert into webhooks
select user_id, id, version, disabled is not null, due_at, json_object(
  'id', id, 'user_id', user_id, 'url', url, 'events', json(events), 'secrets', json(secrets),
  'created_at', created_at,
  'position', json_object('revision', position ->> 'revision', 'timeline', position ->> 'history',
    'snapshot', position ->> 'snapshot'),
  'pinged_at', null, 'failures', failures, 'last_attempt_at', last_attempt_at,
  'last_error', last_error, 'failing_since', failing_since, 'disabled', disabled)
from former_webhooks;
drop table former_webhooks;
create index webhooks_due on webhooks (due_at) where due_at is not null;

-- What is due is found in the tables above.
drop table jobs;

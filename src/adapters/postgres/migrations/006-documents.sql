-- A task is its document (the JSON it is served as, written by the program) and the keys that it is
-- sorted, filtered or found by. No index has a column that changes with every write, so a change of a
-- title, a description or the completion is a heap-only update. The change log has a row per revision.
-- Timelines (JSON) begin with the first commit after a start of the server. Webhooks are documents, too.
alter table taskport.users rename column purged to compacted_revision;
alter table taskport.users
  add column timeline text not null default '',
  add column timelines text not null default '[]',
  add column started timestamptz,
  add column file text,
  add column swept_revision bigint not null default 0,
  add column webhooks integer not null default 0,
  add column deleted_at text collate "C";
alter table taskport.users set (fillfactor = 50);

update taskport.users as u set
  timelines = coalesce((
    select json_agg(json_build_object('name', split_part(mark, ' ', 2),
      'revision', split_part(mark, ' ', 1)::bigint,
      'at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by n)::text
    from unnest(u.marks) with ordinality as known (mark, n)), '[]'),
  timeline = coalesce(split_part(u.marks[cardinality(u.marks)], ' ', 2), ''),
  webhooks = (select count(*) from taskport.webhooks as w where w.user_id = u.id);
alter table taskport.users drop column epoch, drop column marks;
create index users_deleted on taskport.users (deleted_at) where deleted_at is not null;

create table taskport.changes (
  user_id text collate "C" not null,
  revision bigint not null,
  id uuid not null,
  op text not null check (op in ('upsert', 'remind', 'delete')),
  at text collate "C" not null,
  before text,
  primary key (user_id, revision)
);
insert into taskport.changes (user_id, revision, id, op, at)
select user_id, revision, id, 'delete', deleted_at from taskport.deletions;
drop table taskport.deletions;
create index changes_old on taskport.changes (at) where op <> 'upsert';
create index changes_before on taskport.changes (user_id, at) where before is not null;

alter table taskport.tasks rename to former_tasks;
alter index taskport.tasks_pkey rename to former_tasks_pkey;
create table taskport.tasks (
  user_id text collate "C" not null,
  id uuid not null,
  revision bigint not null,
  format smallint not null,
  completed boolean not null,
  timeline text not null,
  priority text,
  title_key text collate "C" not null,
  due_key text collate "C" not null,
  remind_key text collate "C",
  recorded_at text collate "C",
  search_text text not null,
  document text not null,
  primary key (user_id, id)
) with (fillfactor = 85);

create table taskport.idempotency_records (
  user_id text collate "C" not null,
  key text collate "C" not null,
  request text not null,
  changes text not null,
  base_revision bigint not null,
  timeline text not null,
  at text collate "C" not null,
  primary key (user_id, key)
);
insert into taskport.idempotency_records
select user_id, key, request, (
    select coalesce(json_agg(json_build_object(
      'op', value -> 'change' ->> 'op',
      'id', coalesce(value -> 'change' ->> 'id', value #>> '{change,task,id}'),
      'revisionOffset', value -> 'nth',
      'version', case when (value ->> 'nth')::bigint = 0 then json_build_object(
        'revision', value #> '{change,revision}', 'timeline', '') end) order by n)::text, '[]')
    from json_array_elements(receipts.changes::json) with ordinality as every (value, n)),
  base, '', stored_at
from taskport.receipts;
drop table taskport.receipts;
create index idempotency_records_at on taskport.idempotency_records (at);

alter table taskport.webhooks rename to former_webhooks;
alter index taskport.webhooks_pkey rename to former_webhooks_pkey;
drop index taskport.webhooks_due;
create table taskport.webhooks (
  user_id text collate "C" not null,
  id uuid not null,
  version bigint not null,
  disabled boolean not null,
  due_at text collate "C",
  document text not null,
  primary key (user_id, id)
);
insert into taskport.webhooks
select user_id, id, version, disabled is not null, due_at, json_build_object(
  'id', id, 'user_id', user_id, 'url', url, 'events', events::json, 'secrets', secrets::json,
  'created_at', created_at,
  'position', json_build_object('revision', position::json -> 'revision',
    'timeline', position::json -> 'history', 'snapshot', position::json -> 'snapshot'),
  'pinged_at', null, 'failures', failures, 'last_attempt_at', last_attempt_at,
  'last_error', last_error, 'failing_since', failing_since, 'disabled', disabled)::text
from taskport.former_webhooks;
drop table taskport.former_webhooks;
create index webhooks_due on taskport.webhooks (due_at) where due_at is not null;

-- What the change feed and retries need beside the tasks. Deletions are kept for a while, with the
-- newest one forgotten noted in users.purged; a mark names the history that an owner's revisions
-- belong to from its revision on, and begins whenever the first write of another epoch (a process
-- that opened the file) comes; a receipt tells what has come of a request with a key.
alter table users add column purged integer not null default 0;
update users set purged = revision;

create table deletions (
  user_id text not null,
  revision integer not null,
  id text not null,
  deleted_at text not null,
  primary key (user_id, revision)
) strict, without rowid;

create index deletions_time on deletions (deleted_at);

create table marks (
  user_id text not null,
  revision integer not null,
  epoch text not null,
  history text not null,
  marked_at text not null,
  primary key (user_id, revision)
) strict, without rowid;

create index marks_time on marks (marked_at);

create table receipts (
  user_id text not null,
  key text not null,
  request text not null,
  changes text not null,
  base integer not null,
  stored_at text not null,
  primary key (user_id, key)
) strict, without rowid;

create index receipts_time on receipts (stored_at);

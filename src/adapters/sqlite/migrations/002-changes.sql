-- What the change feed and retries need beside the tasks. Deletions are kept for a while, with the
-- newest one forgotten noted in users.purged. Each of users.marks (JSON) is a revision and the name of
-- the history from there on: one begins with the first write in another epoch (a process that opened
-- the file). A receipt tells what has come of a request with a key.
alter table users add column purged integer not null default 0;
alter table users add column epoch text not null default '';
alter table users add column marks text not null default '[]';
update users set purged = revision;

create table deletions (
  user_id text not null,
  revision integer not null,
  id text not null,
  deleted_at text not null,
  primary key (user_id, revision)
) strict, without rowid;

create index deletions_time on deletions (deleted_at);

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

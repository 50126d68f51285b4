-- What the change feed and retries need beside the tasks. Deletions are kept for a while, with the
-- newest one forgotten noted in users.purged. Each of users.marks is a revision and the name of the
-- history from there on: one begins with the first write in another epoch (a start of the server, or
-- tables put in the place of others). A receipt tells what has come of a request with a key.
alter table taskport.users
  add column purged bigint not null default 0,
  add column epoch text not null default '',
  add column marks text[] not null default '{}';
update taskport.users set purged = revision;

create table taskport.deletions (
  user_id text collate "C" not null,
  revision bigint not null,
  id uuid not null,
  deleted_at text collate "C" not null,
  primary key (user_id, revision)
);

create index deletions_time on taskport.deletions (deleted_at);

create table taskport.receipts (
  user_id text collate "C" not null,
  key text collate "C" not null,
  request text not null,
  changes text not null,
  base bigint not null,
  stored_at text collate "C" not null,
  primary key (user_id, key)
);

create index receipts_time on taskport.receipts (stored_at);

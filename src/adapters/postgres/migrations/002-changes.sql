-- What the change feed and retries need beside the tasks. Deletions are kept for a while, with the
-- newest one forgotten noted in users.purged; a mark names the history that an owner's revisions
-- belong to from its revision on, and begins whenever the first write of another epoch (a start of
-- the server, or tables put in the place of others) comes; a receipt tells what has come of a request
-- with a key.
alter table taskport.users add column purged bigint not null default 0;
update taskport.users set purged = revision;

create table taskport.deletions (
  user_id text collate "C" not null,
  revision bigint not null,
  id uuid not null,
  deleted_at text collate "C" not null,
  primary key (user_id, revision)
);

create index deletions_time on taskport.deletions (deleted_at);

create table taskport.marks (
  user_id text collate "C" not null,
  revision bigint not null,
  epoch text not null,
  history text not null,
  marked_at text collate "C" not null,
  primary key (user_id, revision)
);

create index marks_time on taskport.marks (marked_at);

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

-- Personal tokens, found by the hashes of their secrets. The document has neither user nor times of use.
create table tokens (
  hash text primary key,
  user_id text not null,
  id text not null,
  last_used_at text,
  document text not null
) strict, without rowid;

create unique index tokens_user on tokens (user_id, id);

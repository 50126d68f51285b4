-- Personal tokens, found by the hashes of their secrets, which say nothing about the user: on Citus this
-- table stays on the coordinator. The document has neither the user nor the time of the last use.
create table taskport.tokens (
  hash text collate "C" primary key,
  user_id text collate "C" not null,
  id uuid not null,
  last_used_at text collate "C",
  document text not null
) with (fillfactor = 85);

create unique index tokens_user on taskport.tokens (user_id, id);

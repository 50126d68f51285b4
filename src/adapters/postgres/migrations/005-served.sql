-- Each task also is kept as the JSON that it is served as, made by the database with every write: a
-- list then is joined, not built. Texts that need no escapes, almost all, are only put into quotes.
create function taskport.quoted(value text) returns text
language sql immutable strict parallel safe
as $$ select to_json(value)::text $$;

alter table taskport.tasks add column served text not null generated always as (
  '{"id":"' || id::text
  || '","user_id":' || case when user_id ~ '["\\\x01-\x1f]' then taskport.quoted(user_id) else '"' || user_id || '"' end
  || ',"title":' || case when title ~ '["\\\x01-\x1f]' then taskport.quoted(title) else '"' || title || '"' end
  || ',"description":' || case
    when description is null then 'null'
    when description ~ '["\\\x01-\x1f]' then taskport.quoted(description)
    else '"' || description || '"' end
  || ',"completed":' || completed::text
  || ',"priority":' || coalesce('"' || priority || '"', 'null')
  || ',"due_date":' || coalesce('"' || due_date || '"', 'null')
  || ',"remind_at":' || coalesce('"' || remind_at || '"', 'null')
  || ',"reminded_at":' || coalesce('"' || reminded_at || '"', 'null')
  || ',"created_at":"' || created_at
  || '","updated_at":"' || updated_at
  || '","revision":' || revision::text || '}'
) stored;

-- One index fewer that a list by id could be read from, past other users' tasks: that of the ids alone
-- now has an order of its own.
drop index taskport.tasks_id;
create unique index tasks_id on taskport.tasks (uuid_send(id));

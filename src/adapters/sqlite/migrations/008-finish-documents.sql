drop table former_tasks;

insert into changes (user_id, revision, id, op, at)
select user_id, revision, id, 'delete', deleted_at from deletions;
drop table deletions;

create index changes_old on changes (at) where op <> 'upsert';
create index changes_before on changes (user_id, at) where before is not null;
create index tasks_id on tasks (id);
create index tasks_pending on tasks (user_id, id) where not completed;
create index tasks_title on tasks (user_id, title_key, id);
create index tasks_due on tasks (user_id, due_key, id);
create index tasks_remind on tasks (remind_key) where remind_key is not null;

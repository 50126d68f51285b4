drop table taskport.former_tasks;
drop function taskport.quoted(text);

create index tasks_id on taskport.tasks (uuid_send(id));
create index tasks_due on taskport.tasks (user_id, due_key, id);
create index tasks_remind on taskport.tasks (remind_key) where remind_key is not null;

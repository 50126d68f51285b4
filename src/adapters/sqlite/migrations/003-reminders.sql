-- Due reminders are found through an index that holds the armed ones only. reminded_revision is the
-- change that was a task's last reminder.
alter table tasks add column remind_at text;
alter table tasks add column reminded_at text;
alter table tasks add column reminded_revision integer not null default 0;

create index tasks_armed on tasks (remind_at)
where remind_at is not null and reminded_at is null and not completed;

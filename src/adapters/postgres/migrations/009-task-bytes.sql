-- Bytes of all documents of a user without their revisions; null until the next commit counts them.
alter table taskport.users add column task_bytes bigint;

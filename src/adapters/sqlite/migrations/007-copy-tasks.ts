import type { Database } from 'bun:sqlite'

const BATCH_SIZE = 5000

type Key = { user_id: string; id: string }

/** False when there are none left. */
export const copyTasks = (db: Database): boolean => {
  const last = db
    .query<Key, []>('select user_id, id from tasks order by user_id desc, id desc limit 1')
    .get() ?? { user_id: '', id: '' }
  const batch = `
    (select * from former_tasks where (user_id, id) > (+$user_id, +$id)
      order by user_id, id limit ${BATCH_SIZE})`
  const copy = (statement: string): number => db.query(statement).run(last).changes
  copy(`
    insert into changes (user_id, revision, id, op, at)
    select user_id, revision, id, iif(reminded_revision = revision, 'remind', 'upsert'), updated_at
    from ${batch}`)
  copy(`
    insert into changes (user_id, revision, id, op, at)
    select user_id, reminded_revision, id, 'remind', reminded_at from ${batch}
    where reminded_revision > 0 and reminded_revision < revision and reminded_at is not null`)
  const copied = copy(`
    insert into tasks (user_id, id, revision, timeline, format, completed, priority, title_key,
      due_key, remind_key, search_text, document)
    select user_id, id, revision,
      coalesce((
        select value ->> 'name' from users, json_each(users.timelines)
        where users.id = task.user_id and value ->> 'revision' <= task.revision
        order by value ->> 'revision' desc limit 1), ''),
      10328, completed, priority, title_key, coalesce(due_key, '~'),
      iif(completed or reminded_at is not null, null, remind_at), search_text, served
    from ${batch} as task`)
  return copied > 0
}

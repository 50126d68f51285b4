import type { Database } from 'bun:sqlite'
import { type NewTask, type Task, taskKeys, type UserId } from '../../domain/task.ts'
import { COLUMNS } from './task-row.ts'

type Taken = { revision: number }

/** Each write is one transaction that begins and commits without giving up control. */
export const taskWrites = (db: Database) => {
  const takeForNew = db.query<Taken, [string, number]>(`
    insert into users (id, revision, task_count) values (?1, 1, 1)
    on conflict (id) do update set revision = revision + 1, task_count = task_count + 1
    where task_count < ?2 returning revision`)
  const take = db.query<Taken, [number, string]>(`
    update users set revision = revision + 1, task_count = task_count + ?
    where id = ? returning revision`)
  const insert = db.query(`
    insert into tasks (${COLUMNS}, title_key, due_key, search_text)
    values ($id, $user_id, $title, $description, $completed, $priority, $due_date, $created_at,
      $updated_at, $revision, $title_key, $due_key, $search_text)`)
  const update = db.query(`
    update tasks set title = $title, description = $description, completed = $completed,
      priority = $priority, due_date = $due_date, updated_at = $updated_at, revision = $revision,
      title_key = $title_key, due_key = $due_key, search_text = $search_text
    where user_id = $user_id and id = $id`)
  const remove = db.query('delete from tasks where user_id = ? and id = ?')
  const removeTasks = db.query('delete from tasks where user_id = ?')
  const removeUser = db.query('delete from users where id = ?')
  const current = db.query<{ created_at: string }, [string, string, number]>(
    'select created_at from tasks where user_id = ? and id = ? and revision = ?',
  )
  const stored = ({ user_id, id, revision }: Task) => current.get(user_id, id, revision)

  return {
    create: db.transaction((task: NewTask, quota: number): Task | undefined => {
      const [taken] = takeForNew.all(task.user_id, quota)
      if (!taken) return undefined
      const created = { ...task, revision: taken.revision }
      insert.run({ ...created, ...taskKeys(created) })
      return created
    }).immediate,

    replace: db.transaction((task: Task): Task | undefined => {
      const before = stored(task)
      const [taken] = before ? take.all(0, task.user_id) : []
      if (!before || !taken) return undefined
      const replaced = { ...task, created_at: before.created_at, revision: taken.revision }
      update.run({ ...replaced, ...taskKeys(replaced) })
      return replaced
    }).immediate,

    remove: db.transaction((task: Task): boolean => {
      if (!stored(task)) return false
      take.all(-1, task.user_id)
      remove.run(task.user_id, task.id)
      return true
    }).immediate,

    removeOwner: db.transaction((owner: UserId): void => {
      removeTasks.run(owner)
      removeUser.run(owner)
    }).immediate,
  }
}

import type { Database } from 'bun:sqlite'
import type { Step } from '../../application/ports.ts'
import { quotaExceeded } from '../../domain/access.ts'
import type { Instant } from '../../domain/due-date.ts'
import { type Revision, type Task, type TaskId, taskKeys, type UserId } from '../../domain/task.ts'
import { COLUMNS } from './task-row.ts'

const ADDED = { create: 1, replace: 0, keep: 0, remove: -1 } as const

type Keys = Readonly<{ title_key: string; due_key: string | null }>

/**
 * Each is one transaction that begins and commits without giving up control; `write` wants one around
 * it, which may hold several.
 */
export const taskWrites = (db: Database) => {
  const epoch = Bun.randomUUIDv7()
  const take = db.query<{ revision: number; epoch: string }, [string, number, number, number]>(`
    insert into users (id, revision, task_count) select ?1, ?2, ?3 where ?3 <= ?4
    on conflict (id) do update set revision = revision + ?2, task_count = task_count + ?3
    where task_count + ?3 <= ?4 or ?3 <= 0 returning revision, epoch`)
  const mark = db.query(`
    update users set epoch = $epoch, marks = json_insert(
      iif(json_array_length(marks) < 32, marks, json_remove(marks, '$[0]')), '$[#]',
      json_object('revision', $revision, 'history', lower(hex(randomblob(8))))) where id = $owner`)
  const insert = db.query(`
    insert into tasks (${COLUMNS}, title_key, due_key, search_text)
    values ($id, $user_id, $title, $description, $completed, $priority, $due_date, $remind_at,
      $reminded_at, $created_at, $updated_at, $revision, $title_key, $due_key, $search_text)`)
  const update = (keys: string) =>
    db.query(`
    update tasks not indexed set title = $title, description = $description, completed = $completed,
      priority = $priority, due_date = $due_date, remind_at = $remind_at,
      reminded_at = $reminded_at, updated_at = $updated_at, revision = $revision,
      search_text = $search_text ${keys}
    where user_id = $user_id and id = $id`)
  const replace = update(', title_key = $title_key, due_key = $due_key')
  /** Spares the indexes of orders in which the task stays where it is. */
  const replaceInPlace = update('')
  const due = db.query<{ user_id: UserId; id: string }, [string, number]>(`
    select user_id, id from tasks where remind_at is not null and reminded_at is null
      and not completed and remind_at <= ? order by remind_at limit ?`)
  const remindOf = db.query(`
    update tasks not indexed set reminded_at = $now, updated_at = $now, revision = $revision,
      reminded_revision = $revision where user_id = $user_id and id = $id`)
  const remove = db.query('delete from tasks not indexed where user_id = ? and id = ?')
  const bury = db.query(
    'insert into deletions (user_id, revision, id, deleted_at) values (?, ?, ?, ?)',
  )
  const current = db.query<Keys, [string, string, number]>(
    'select title_key, due_key from tasks not indexed where user_id = ? and id = ? and revision = ?',
  )
  const hasReceipt = db.query<unknown, [string, string]>(
    'select 1 from receipts where user_id = ? and key = ?',
  )
  const keep = db.query(`
    insert into receipts (user_id, key, request, changes, base, stored_at) values (?, ?, ?, ?, ?, ?)`)
  const wake = db.query(`
    update webhooks set due_at = coalesce(due_at, ?2), version = version + 1
    where user_id = ?1 and disabled is null`)
  const removals = ['tasks', 'deletions', 'receipts', 'users'].map((table) =>
    db.query(`delete from ${table} where ${table === 'users' ? 'id' : 'user_id'} = ?`),
  )

  /** Answers the revision before. */
  const takeRevisions = (owner: UserId, taken: number, added: number, quota: number): Revision => {
    const [counted] = take.all(owner, taken, added, quota)
    if (!counted) throw quotaExceeded(quota)
    const base = counted.revision - taken
    if (counted.epoch !== epoch) mark.run({ owner, revision: base + 1, epoch })
    return base
  }
  const takeOne = (owner: UserId): Revision => takeRevisions(owner, 1, 0, 0)

  const replaceTask = (task: Task, before: Keys | undefined): void => {
    const { title_key, due_key, search_text } = taskKeys(task)
    const same = title_key === before?.title_key && due_key === before?.due_key
    if (same) replaceInPlace.run({ ...task, search_text })
    else replace.run({ ...task, title_key, due_key, search_text })
  }

  const write = ({ owner, writes, taken, quota, at, receipt }: Step) => {
    if (receipt && hasReceipt.get(owner, receipt.key)) return 'repeated'
    const before = new Map<TaskId, Keys>()
    for (const { op, task } of writes) {
      if (op === 'create') continue
      const keys = current.get(owner, task.id, task.revision)
      if (!keys) return 'changed'
      before.set(task.id, keys)
    }
    const added = writes.reduce((sum, { op }) => sum + ADDED[op], 0)
    const base = takeRevisions(owner, taken, added, quota)
    for (const { op, task, nth } of writes) {
      const stored = { ...task, user_id: owner, revision: base + nth }
      if (op === 'create') insert.run({ ...stored, ...taskKeys(task) })
      else if (op === 'replace') replaceTask(stored, before.get(task.id))
      else if (op === 'remove') {
        remove.run(owner, task.id)
        bury.run(owner, stored.revision, task.id, at)
      }
    }
    if (taken > 0) wake.run(owner, at)
    if (receipt) {
      keep.run(owner, receipt.key, receipt.request, JSON.stringify(receipt.changes), base, at)
    }
    return base
  }

  const remind = (now: Instant, limit: number) => {
    const reminded = new Map<UserId, Revision>()
    for (const { user_id, id } of due.all(now, limit)) {
      const revision = takeOne(user_id) + 1
      remindOf.run({ now, revision, user_id, id })
      reminded.set(user_id, revision)
    }
    for (const owner of reminded.keys()) wake.run(owner, now)
    return [...reminded].map(([owner, revision]) => ({ owner, revision }))
  }

  return {
    remind: db.transaction(remind).immediate as typeof remind,
    write,
    removeOwner: db.transaction((owner: UserId): void => {
      for (const removal of removals) removal.run(owner)
    }).immediate,
  }
}

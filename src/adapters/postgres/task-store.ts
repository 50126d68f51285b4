import type postgres from 'postgres'
import type { TaskStore } from '../../application/ports.ts'
import { quotaExceeded } from '../../domain/access.ts'
import type { Revision, Task, UserId } from '../../domain/task.ts'
import { type Client, isTaken } from './client.ts'
import { type ListRow, listStatement, taskColumns } from './list-tasks.ts'
import { changesStatement, toFeed } from './read-changes.ts'
import { remindStatement } from './remind.ts'
import { purgeStatement, removeOwnerStatement } from './remove-rows.ts'
import { writeStatement } from './write-tasks.ts'

type ReceiptRow = { key: string; request: string; changes: string; base: number }

/** One statement for each method. */
export const postgresTaskStore = (sql: postgres.Sql, run: Client['run']): TaskStore => ({
  get: async (owner, id) => {
    const [task] = await run(sql<Task[]>`
      select ${taskColumns(sql)} from taskport.tasks
      where user_id = ${owner}::text and id = ${id}::text::uuid`)
    return task
  },
  find: (owner, ids) =>
    run(sql<Task[]>`
      select ${taskColumns(sql)} from taskport.tasks
      where user_id = ${owner}::text
        and id = any(string_to_array(${ids.join()}::text, ',')::uuid[])`),
  list: async (owner, query, page) => {
    const rows = await run(listStatement(sql, owner, query, page))
    const found = rows.filter(isTask)
    const shown = found.slice(0, page.limit ?? undefined).map(({ owner_revision, ...task }) => task)
    const revision = rows[0]?.owner_revision ?? 0
    return { tasks: shown, more: shown.length < found.length, revision }
  },
  write: async (step) => {
    try {
      const [written] = await run(writeStatement(sql, step))
      if (written && written.base !== null) return written.base
      if (written?.found) throw quotaExceeded(step.quota)
      return 'changed'
    } catch (error) {
      if (isTaken(error, 'receipts_pkey')) return 'repeated'
      throw error
    }
  },
  receipt: async (owner, key) => {
    const [row] = await run(sql<ReceiptRow[]>`
      select key, request, changes, base from taskport.receipts
      where user_id = ${owner}::text and key = ${key}::text`)
    return row && { ...row, changes: JSON.parse(row.changes) }
  },
  changes: async (owner, after, deletionsAfter, limit) =>
    toFeed(await run(changesStatement(sql, owner, after, deletionsAfter, limit)), after, limit),
  revisions: (owners) =>
    run(sql<{ owner: UserId; revision: Revision }[]>`
      select id as owner, revision from taskport.users
      where id = any(array(select json_array_elements_text(${JSON.stringify(owners)}::text::json)))`),
  remind: (now, limit) => run(remindStatement(sql, now, limit)),
  removeOwner: async (owner) => {
    while ((await run(removeOwnerStatement(sql, owner)))[0]?.gone) {}
  },
  purge: async (...horizon) => (await run(purgeStatement(sql, ...horizon)))[0]?.gone ?? 0,
  exists: async (id) => {
    const found = await run(sql`select 1 from taskport.tasks where id = ${id}::text::uuid`)
    return found.length > 0
  },
  ready: async () => void (await run(sql`select 1`)),
})

const isTask = (row: ListRow): row is { owner_revision: number } & Task => row.id !== null

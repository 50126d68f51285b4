import type { TaskStore } from '../../application/ports.ts'
import { quotaExceeded } from '../../domain/access.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Revision, Task, UserId } from '../../domain/task.ts'
import { type Client, connect, isTaken, type Limits } from './client.ts'
import { type ListRow, listStatement, taskColumns } from './list-tasks.ts'
import { migrate, NewerSchemaError } from './migrate.ts'
import { changesStatement, toFeed } from './read-changes.ts'
import { remindStatement } from './remind.ts'
import { purgeStatement, removeOwnerStatement } from './remove-rows.ts'
import { writeStatement } from './write-tasks.ts'

type ReceiptRow = { key: string; request: string; changes: string; base: number }

export type PostgresOptions = Partial<Limits> &
  Readonly<{
    /** Told of every failed attempt to reach or migrate the database. */
    onOutage?: (error: unknown) => void
    /** Told when the database can never be used by this program. */
    onRefusal?: (error: Error) => void
  }>

const LIMITS: Limits = { poolSize: 10, queryDeadline: 5000, connectionDeadline: 2000 }

/**
 * Keeps the tasks in a PostgreSQL database, in a schema of their own (`taskport`). Returns at once:
 * until the database is reached and `migrated`, which is tried for ever, every method throws
 * `unavailable`.
 */
export const postgresTaskStore = (
  url: string,
  { onOutage = () => {}, onRefusal = () => {}, ...limits }: PostgresOptions = {},
): { tasks: TaskStore; migrated: Promise<void>; close(): Promise<void> } => {
  const address = withoutUnknownOptions(url)
  const client = connect(address, { ...LIMITS, ...limits })
  const migration = keepTrying(() => migrate(address), onOutage, onRefusal)
  const run: Client['run'] = (statement) => {
    if (migration.done) return client.run(statement)
    throw new DomainError('unavailable', 'The storage is not ready yet. Try again.')
  }
  const { sql } = client

  const tasks: TaskStore = {
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
      const shown = found
        .slice(0, page.limit ?? undefined)
        .map(({ owner_revision, ...task }) => task)
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
      toFeed(await run(changesStatement(sql, owner, after, deletionsAfter, limit)), limit),
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
  }
  const close = async (): Promise<void> => {
    migration.stop()
    await client.close()
  }
  return { tasks, migrated: migration.finished, close }
}

const isTask = (row: ListRow): row is { owner_revision: number } & Task => row.id !== null

/** Repeats a step until it succeeds, a little later each time, at most every 5 seconds. */
const keepTrying = (
  step: () => Promise<void>,
  onFailure: (error: unknown) => void,
  onRefusal: (error: Error) => void,
) => {
  const { promise: finished, resolve } = Promise.withResolvers<void>()
  const state = { done: false, finished, stop: () => {} }
  let delay = 100
  const attempt = async (): Promise<void> => {
    try {
      await step()
      state.done = true
      resolve()
    } catch (error) {
      if (error instanceof NewerSchemaError) return onRefusal(error)
      onFailure(error)
      const timer = setTimeout(attempt, delay)
      state.stop = () => clearTimeout(timer)
      delay = Math.min(delay * 2, 5000)
    }
  }
  void attempt()
  return state
}

/** Hosted databases give URLs with libpq options that the driver would pass on to the server. */
const withoutUnknownOptions = (url: string): string => {
  const address = new URL(url)
  for (const name of ['channel_binding', 'sslrootcert', 'pgbouncer'])
    address.searchParams.delete(name)
  return address.href
}

import type postgres from 'postgres'
import type { TaskStore } from '../../application/ports.ts'
import { listOfJson } from '../../application/task-list.ts'
import { quotaExceeded } from '../../domain/access.ts'
import type { Revision, UserId } from '../../domain/task.ts'
import { type Client, isTaken } from './client.ts'
import { FIND, GET, type ListRow, listStatement } from './list-tasks.ts'
import { changesStatement, type FeedRow, toFeed } from './read-changes.ts'
import { remindStatement } from './remind.ts'
import { purgeStatement, removeOwnerStatement } from './remove-rows.ts'
import { writeStatement } from './write-tasks.ts'

type OwnerRevision = { owner: UserId; revision: Revision }
type Served = { served: string }
type ReceiptRow = { key: string; request: string; changes: string; base: number }

/** One statement for each method. */
export const postgresTaskStore = (sql: postgres.Sql, run: Client['run']): TaskStore => {
  /** Nothing but its parameters is put together for a statement that comes often. */
  const prepared = <Row extends object>(text: string, parameters: (string | null)[]) =>
    run(sql.unsafe<Row[]>(text, parameters as string[], { prepare: true }))

  return {
    get: async (owner, id) => {
      const [row] = await prepared<Served>(GET, [owner, id])
      return row && JSON.parse(row.served)
    },
    find: async (owner, ids) =>
      (await prepared<Served>(FIND, [owner, ids.join()])).map(({ served }) => JSON.parse(served)),
    list: async (owner, query, page) => {
      const [row] = await prepared<ListRow>(...listStatement(owner, query, page))
      const { found = null, count = 0, revision = 0 } = row ?? {}
      return listOfJson(found ?? '', count, page.limit, revision)
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
    changes: async (owner, after, deletionsAfter, limit) => {
      const rows = await prepared<FeedRow>(...changesStatement(owner, after, deletionsAfter, limit))
      return toFeed(rows, after, limit)
    },
    revisions: (owners) =>
      owners.length === 1
        ? prepared<OwnerRevision>(REVISION, [...owners])
        : prepared<OwnerRevision>(REVISIONS, [JSON.stringify(owners)]),
    remind: (now, limit) => run(remindStatement(sql, now, limit)),
    removeOwner: async (owner) => {
      while ((await run(removeOwnerStatement(sql, owner)))[0]?.gone) {}
    },
    purge: async (...horizon) => (await run(purgeStatement(sql, ...horizon)))[0]?.gone ?? 0,
    exists: async (id) => {
      const found = await run(
        sql`select 1 from taskport.tasks where uuid_send(id) = uuid_send(${id}::text::uuid)`,
      )
      return found.length > 0
    },
    ready: async () => void (await run(sql`select 1`)),
  }
}

const REVISION = 'select id as owner, revision from taskport.users where id = $1::text'
const REVISIONS = `
  select id as owner, revision from taskport.users
  where id = any(array(select json_array_elements_text($1::text::json)))`

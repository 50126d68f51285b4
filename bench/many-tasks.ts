import { Database } from 'bun:sqlite'
import type { Sql } from 'postgres'
import { DOCUMENT_FORMAT, openDocument } from '../src/application/documents.ts'
import { newTask } from '../src/domain/task.ts'
import { bulkLoadPostgres, bulkLoadSqlite, type Dialect, POSTGRES, SQLITE } from './bulk-load.ts'

export const PER_USER = 100
/** Tasks of the user `many`. */
export const MANY = 10_000

const AT = '2026-02-10T08:00:00.000Z'
const TIMELINE = 'bench'

/** The document of a row in SQL: that of a sample, with columns in the places of what starts with `@`. */
const documentInSql = (): string => {
  const task = newTask('@id', '@owner', { title: '@title', priority: 'high' }, AT)
  const sample = openDocument({ ...task, due_date: '@due' })
  const columns = sample.replace('"completed":false', '"completed":@completed')
  return `'${columns.replace(/@(\w+)/g, "' || $1 || '")}' || revision || '}'`
}

/**
 * So many tasks of users with `perUser` each, as if they had made them by turns, and then those of a user who
 * has many.
 */
const insertTasks = (
  { schema, numbers, id, idColumn }: Dialect,
  count: number,
  order: string,
  perUser = PER_USER,
) => {
  const users = count / perUser
  return `
    insert into ${schema}tasks (user_id, id, revision, timeline, format, completed, priority,
      title_key, due_key, search_text, document)
    select owner, ${idColumn}, revision, '${TIMELINE}', ${DOCUMENT_FORMAT}, completed = 'true', 'high',
      lower(title), due || 'T24', lower(title) || '\n', ${documentInSql()}
    from (
      select *, 'Task ' || (n % 97) || ' of ' || owner as title
      from (
        select n, ${id} as id, '2026-0' || (n % 9 + 1) || '-15' as due,
          case when n % 3 = 0 then 'true' else 'false' end as completed,
          case when n < ${count} then 'user-' || (n % ${users}) else 'many' end as owner,
          case when n < ${count} then n / ${users} + 1 else n - ${count} + 1 end as revision
        from (${numbers(count + MANY)}) as numbers
      ) as numbered
    ) as made ${order}`
}

const insertChanges = ({ schema }: Dialect, order: string): string => `
  insert into ${schema}changes (user_id, revision, id, op, at)
  select user_id, revision, id, 'upsert', '${AT}' from ${schema}tasks ${order}`

const TIMELINES = JSON.stringify([{ name: TIMELINE, revision: 1, at: AT }])

/** `current` are the columns that keep the timeline from ending, with their values. */
const insertUsers = ({ schema }: Dialect, current: Record<string, string>): string => `
  insert into ${schema}users (
    ${['id', 'revision', 'task_count', 'timeline', 'timelines', ...Object.keys(current)].join()})
  select user_id, max(revision), count(*),
    ${[`'${TIMELINE}'`, `'${TIMELINES}'`, ...Object.values(current)].join()}
  from ${schema}tasks group by user_id`

export const loadPostgres = (sql: Sql, count: number, perUser = PER_USER): Promise<void> =>
  bulkLoadPostgres(sql, ['tasks', 'changes'], async () => {
    const current = {
      started: 'pg_postmaster_start_time()',
      file: `pg_relation_filepath('taskport.users')`,
    }
    await sql.unsafe(insertTasks(POSTGRES, count, '', perUser))
    await sql.unsafe(insertChanges(POSTGRES, ''))
    await sql.unsafe(insertUsers(POSTGRES, current))
  })

export const loadSqlite = (path: string, count: number): void => {
  const db = new Database(path)
  bulkLoadSqlite(db, () => {
    db.run(insertTasks(SQLITE, count, 'order by owner, id'))
    db.run(insertChanges(SQLITE, 'order by user_id, revision'))
    db.run(insertUsers(SQLITE, {}))
  })
  db.close()
}

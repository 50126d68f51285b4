import { Database } from 'bun:sqlite'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import { bulkLoadPostgres, bulkLoadSqlite, type Dialect, POSTGRES, SQLITE } from './bulk-load.ts'

/** The last schema in which a task had a column for each field. */
const SCHEMA = 5
const PER_USER = 100
const AT = '2026-02-10T08:00:00.000Z'

const scripts = (storage: 'postgres' | 'sqlite'): string[] => {
  const folder = join(import.meta.dir, `../src/adapters/${storage}/migrations`)
  const names = readdirSync(folder).sort().slice(0, SCHEMA)
  return names.map((name) => readFileSync(join(folder, name), 'utf8'))
}

/** Half of the tasks have a description, a tenth a reminder; the database adds the form they are served in. */
const insertTasks = ({ schema, numbers, id, idColumn }: Dialect, count: number, order: string) => `
  insert into ${schema}tasks (user_id, id, title, description, completed, priority, due_date,
    remind_at, created_at, updated_at, revision, title_key, due_key, search_text)
  select owner, ${idColumn}, title, description, n % 3 = 0, 'high', due,
    case when n % 10 = 0 then '2027-01-01T08:00:00.000Z' end, '${AT}', '${AT}', revision,
    lower(title), due || 'T24', lower(title) || '\n' || lower(coalesce(description, ''))
  from (
    select *, 'Task ' || (n % 97) || ' of ' || owner as title
    from (
      select n, ${id} as id, 'user-' || (n % ${count / PER_USER}) as owner,
        n / ${count / PER_USER} + 1 as revision, '2026-0' || (n % 9 + 1) || '-15' as due,
        case when n % 2 = 0 then 'Something to be done before long, and well' end as description
      from (${numbers(count)}) as numbers
    ) as numbered
  ) as made ${order}`

/** Each user's last change was a deletion. */
const insertDeletions = ({ schema, numbers, id, idColumn }: Dialect, count: number): string => `
  insert into ${schema}deletions (user_id, revision, id, deleted_at)
  select owner, ${PER_USER + 1}, ${idColumn}, '${AT}'
  from (
    select 'user-' || (n - ${count}) as owner, ${id} as id
    from (${numbers(count + count / PER_USER)}) as numbers where n >= ${count}
  ) as made`

const insertUsers = ({ schema }: Dialect, marks: string): string => `
  insert into ${schema}users (id, revision, task_count, marks)
  select user_id, ${PER_USER + 1}, ${PER_USER}, ${marks} from ${schema}deletions`

/** So many tasks of users with 100 each, as if they had made them by turns. */
export const formerPostgres = async (sql: Sql, count: number): Promise<void> => {
  await sql.unsafe(`
    create schema taskport;
    create table taskport.migrations (
      version integer primary key, applied_at timestamptz not null default now())`)
  for (const [n, script] of scripts('postgres').entries()) {
    await sql.unsafe(script)
    await sql`insert into taskport.migrations (version) values (${n + 1})`
  }
  await bulkLoadPostgres(sql, ['tasks'], async () => {
    await sql.unsafe(insertTasks(POSTGRES, count, ''))
    await sql.unsafe(insertDeletions(POSTGRES, count))
    await sql.unsafe(insertUsers(POSTGRES, `array['1 bench']`))
  })
}

export const formerSqlite = (path: string, count: number): void => {
  const db = new Database(path)
  for (const script of scripts('sqlite')) db.run(script)
  db.run(`pragma application_id = ${0x5461736b}`)
  db.run(`pragma user_version = ${SCHEMA}`)
  bulkLoadSqlite(db, () => {
    db.run(insertTasks(SQLITE, count, 'order by owner, id'))
    db.run(insertDeletions(SQLITE, count))
    db.run(insertUsers(SQLITE, `'[{"revision":1,"history":"bench"}]'`))
  })
  db.close()
}

import { Database } from 'bun:sqlite'
import type { Sql } from 'postgres'

/** Texts in the form in which they are served spare the driver two parsed dates a task. */
export type Times = 'timestamptz' | 'text'

/** The table of the peers: a column for each field, and an index for each order, on either storage. */
const table = (times: Times): string => `
  create table tasks (
    user_id text not null,
    id uuid not null,
    title text not null,
    description text,
    completed boolean not null,
    priority text,
    due_date text,
    created_at ${times} not null,
    updated_at ${times} not null,
    primary key (user_id, id)
  );
  create index tasks_title on tasks (user_id, lower(title), id);
  create index tasks_due on tasks (user_id, due_date, id);`

/** For the peer that has a change feed. */
const FEED = `
  alter table tasks add column revision bigint not null default 0;
  create unique index tasks_revision on tasks (user_id, revision);`

const COLUMNS =
  'user_id, id, title, description, completed, priority, due_date, created_at, updated_at'

export type PlainTask = Readonly<Record<string, string | number | boolean | null>>

const CHUNK = 5000

const chunks = (tasks: readonly PlainTask[]): PlainTask[][] =>
  Array.from({ length: Math.ceil(tasks.length / CHUNK) }, (_, n) =>
    tasks.slice(n * CHUNK, (n + 1) * CHUNK),
  )

export const createOnPostgres = async (
  sql: Sql,
  tasks: readonly PlainTask[],
  { times, feed }: { times: Times; feed: boolean },
): Promise<void> => {
  await sql.unsafe(table(times) + (feed ? FEED : ''))
  const columns = feed ? `${COLUMNS}, revision` : COLUMNS
  for (const chunk of chunks(tasks)) {
    await sql.unsafe(
      `insert into tasks (${columns})
       select ${columns} from json_populate_recordset(null::tasks, $1::text::json)`,
      [JSON.stringify(chunk)],
    )
  }
  await sql.unsafe('vacuum analyze')
}

export const createOnSqlite = (path: string, tasks: readonly PlainTask[]): void => {
  const db = new Database(path, { create: true })
  db.run('pragma journal_mode = wal')
  for (const statement of (table('text') + FEED).split(';')) if (statement.trim()) db.run(statement)
  const names = `${COLUMNS}, revision`.split(', ')
  const insert = db.query(
    `insert into tasks (${names.join()}) values (${names.map(() => '?').join()})`,
  )
  db.transaction(() => {
    for (const task of tasks) insert.run(...names.map((name) => task[name] ?? null))
  })()
  db.run('analyze')
  db.close()
}

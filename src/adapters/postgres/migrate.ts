import postgres from 'postgres'
import tasks from './migrations/001-tasks.sql' with { type: 'text' }
import changes from './migrations/002-changes.sql' with { type: 'text' }
import reminders from './migrations/003-reminders.sql' with { type: 'text' }
import webhooks from './migrations/004-webhooks.sql' with { type: 'text' }
import served from './migrations/005-served.sql' with { type: 'text' }

const MIGRATIONS = [tasks, changes, reminders, webhooks, served]

/** "Taskport" in ASCII, so that no other program takes this advisory lock. */
const LOCK = '6080267877211927156'

/** The database was written by a newer program: nothing here may touch it. */
export class NewerSchemaError extends Error {}

/**
 * Brings the schema up to date on a connection of its own, each migration in its own transaction
 * under a lock, so that any number of processes may start at once.
 */
export const migrate = async (url: string): Promise<void> => {
  const sql = postgres(url, { max: 1, prepare: false, connect_timeout: 5, onnotice: () => {} })
  try {
    while (await applyNext(sql)) {}
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** True when it applied one. */
const applyNext = (sql: postgres.Sql): Promise<boolean> =>
  sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${LOCK}::text::bigint)`
    await transaction`create schema if not exists taskport`
    await transaction`
      create table if not exists taskport.migrations (
        version integer primary key, applied_at timestamptz not null default now())`
    const [row] = await transaction<[{ version: number }]>`
      select coalesce(max(version), 0) as version from taskport.migrations`
    if (row.version > MIGRATIONS.length) {
      throw new NewerSchemaError(
        `The database has schema ${row.version}, but this Taskport knows only ` +
          `${MIGRATIONS.length}. Start the newer version that wrote it.`,
      )
    }
    const script = MIGRATIONS[row.version]
    if (script === undefined) return false
    await transaction.unsafe(script)
    await transaction`insert into taskport.migrations (version) values (${row.version + 1})`
    return true
  })

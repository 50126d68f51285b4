import postgres from 'postgres'
import { differingMigration, digestOf } from './digests.ts'
import { distribute, type Sharding } from './distribute.ts'
import { driverOptions } from './driver.ts'
import functions from './functions.sql' with { type: 'text' }
import tasks from './migrations/001-tasks.sql' with { type: 'text' }
import changes from './migrations/002-changes.sql' with { type: 'text' }
import reminders from './migrations/003-reminders.sql' with { type: 'text' }
import webhooks from './migrations/004-webhooks.sql' with { type: 'text' }
import served from './migrations/005-served.sql' with { type: 'text' }
import documents from './migrations/006-documents.sql' with { type: 'text' }
import copyTasks from './migrations/007-copy-tasks.sql' with { type: 'text' }
import finishDocuments from './migrations/008-finish-documents.sql' with { type: 'text' }
import taskBytes from './migrations/009-task-bytes.sql' with { type: 'text' }
import tokens from './migrations/010-tokens.sql' with { type: 'text' }
import { UnusableDatabaseError } from './unusable.ts'

/** One with `remains` is run in one transaction after the other as long as that finds a row. */
type Migration = string | Readonly<{ script: string; remains: string }>

const MIGRATIONS: readonly Migration[] = [
  tasks,
  changes,
  reminders,
  webhooks,
  served,
  documents,
  {
    script: copyTasks,
    remains: `
      select from (
        select user_id, id from taskport.former_tasks order by user_id desc, id desc limit 1
      ) as former
      where not exists (
        select from taskport.tasks as t where t.user_id = former.user_id and t.id = former.id)`,
  },
  finishDocuments,
  taskBytes,
  tokens,
]

const DIGESTS = MIGRATIONS.map((migration) =>
  digestOf(typeof migration === 'string' ? migration : migration.script),
)

/** Raise it with every change of functions.sql: of two programs the newer one's functions stay. */
export const FUNCTIONS_VERSION = 4

/** "Taskport" in ASCII, so that no other program takes this advisory lock. */
const LOCK = '6080267877211927156'

/** Citus needs all nodes for the statement, also where there is nothing to create. */
const CREATE_SCHEMA = `
  do $$ begin
    if to_regnamespace('taskport') is null then create schema taskport; end if;
  end $$`

/** In transactions under a lock, so that any number of processes may start at once. */
export const migrate = async (url: string, sharding: Sharding): Promise<void> => {
  const sql = postgres({ connect_timeout: 5, ...driverOptions(url), max: 1, prepare: false })
  try {
    while (await applyNext(sql, sharding)) {}
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** False when there was nothing left to do but the functions and the distribution. */
const applyNext = (sql: postgres.Sql, sharding: Sharding): Promise<boolean> =>
  sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${LOCK}::text::bigint)`
    await transaction.unsafe(CREATE_SCHEMA)
    await transaction`
      create table if not exists taskport.migrations (
        version integer primary key, applied_at timestamptz not null default now())`
    const [row] = await transaction<[{ version: number }]>`
      select coalesce(max(version), 0) as version from taskport.migrations`
    if (row.version > MIGRATIONS.length) {
      throw new UnusableDatabaseError(
        `The database has schema ${row.version}, but this Taskport knows only ` +
          `${MIGRATIONS.length}. Start the newer version that wrote it.`,
      )
    }
    const differing = await differingMigration(transaction, DIGESTS)
    if (differing !== undefined) {
      throw new UnusableDatabaseError(
        `Migration ${differing} of the database is not the one of this Taskport: an unreleased ` +
          'version wrote it. Start the version that wrote it, or restore a backup of a released one.',
      )
    }
    const migration = MIGRATIONS[row.version]
    if (migration === undefined) {
      await replaceFunctions(transaction)
      await distribute(transaction, sharding)
      return false
    }
    if (await apply(transaction, migration)) {
      const digest = DIGESTS[row.version] ?? ''
      await transaction`
        insert into taskport.migrations (version, digest)
        values (${row.version + 1}::integer, ${digest}::text)`
    }
    return true
  })

/** True when the migration is complete. */
const apply = async (sql: postgres.TransactionSql, migration: Migration): Promise<boolean> => {
  if (typeof migration === 'string') {
    await sql.unsafe(migration)
    return true
  }
  const remains = async (): Promise<boolean> => (await sql.unsafe(migration.remains)).length > 0
  if (await remains()) await sql.unsafe(migration.script)
  return !(await remains())
}

const replaceFunctions = async (sql: postgres.TransactionSql): Promise<void> => {
  await sql`
    create table if not exists taskport.functions (version integer not null)`
  const [present] = await sql<{ version: number }[]>`select version from taskport.functions`
  if (present && present.version >= FUNCTIONS_VERSION) return
  await sql.unsafe(functions)
  await sql`delete from taskport.functions`
  await sql`insert into taskport.functions (version) values (${FUNCTIONS_VERSION})`
}

import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import tasks from './migrations/001-tasks.sql' with { type: 'text' }
import changes from './migrations/002-changes.sql' with { type: 'text' }
import reminders from './migrations/003-reminders.sql' with { type: 'text' }
import webhooks from './migrations/004-webhooks.sql' with { type: 'text' }
import served from './migrations/005-served.sql' with { type: 'text' }
import documents from './migrations/006-documents.sql' with { type: 'text' }
import { copyTasks } from './migrations/007-copy-tasks.ts'
import finishDocuments from './migrations/008-finish-documents.sql' with { type: 'text' }
import taskBytes from './migrations/009-task-bytes.sql' with { type: 'text' }

/** Steps are repeated, each time in a transaction of its own, while they return true. */
const MIGRATIONS = [
  tasks,
  changes,
  reminders,
  webhooks,
  served,
  documents,
  copyTasks,
  finishDocuments,
  taskBytes,
]

/** "Task" in ASCII: tells our files from those of other programs. */
const APPLICATION_ID = 0x5461736b

/** Kibibytes of the file kept in memory at most. SQLite's 2000 hold the tasks of about 20 users. */
const CACHE = 32_768

/** For this process alone; creates what is missing. Throws an Error that says what to do. */
export const openDatabase = (path: string): { db: Database; close(): void } => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const release = lock(path)
    try {
      const db = new Database(path, { create: true, strict: true })
      db.run('pragma journal_mode = wal')
      db.run('pragma synchronous = full')
      db.run('pragma foreign_keys = on')
      db.run(`pragma cache_size = -${CACHE}`)
      migrate(db, path)
      const close = (): void => {
        db.close()
        release()
      }
      return { db, close }
    } catch (error) {
      release()
      throw error
    }
  } catch (error) {
    if (error instanceof Error && !('code' in error)) throw error
    throw new Error(
      `Cannot open the SQLite database ${path}: ${error instanceof Error ? error.message : error}. ` +
        'Make its folder writable, or set DATABASE_URL to another place.',
      { cause: error },
    )
  }
}

/** Held while the connection lives: an exclusive transaction on a file beside the database. */
const lock = (path: string): (() => void) => {
  const holder = new Database(`${path}.lock`, { create: true, strict: true })
  try {
    holder.run('begin exclusive')
  } catch (error) {
    holder.close()
    if (codeOf(error) !== 'SQLITE_BUSY') throw error
    throw new Error(
      `${path} is in use by another Taskport process. Stop that one, set DATABASE_URL to another ` +
        'file, or use PostgreSQL for several processes.',
    )
  }
  return () => holder.close()
}

const migrate = (db: Database, path: string): void => {
  const number = (pragma: string): number =>
    Object.values(db.query<Record<string, number>, []>(`pragma ${pragma}`).get() ?? {})[0] ?? 0
  const version = number('user_version')
  const foreign =
    number('application_id') !== APPLICATION_ID &&
    db.query('select 1 from sqlite_master limit 1').get() !== null
  if (foreign) {
    throw new Error(`${path} belongs to another program. Set DATABASE_URL to a file of its own.`)
  }
  if (version > MIGRATIONS.length) {
    throw new Error(
      `${path} has schema ${version}, but this Taskport knows only ${MIGRATIONS.length}. ` +
        'Start the newer version that wrote it.',
    )
  }
  db.run(`pragma application_id = ${APPLICATION_ID}`)
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue
    const apply = db.transaction((): boolean => {
      if (typeof step === 'string') db.run(step)
      else if (step(db)) return true
      db.run(`pragma user_version = ${index + 1}`)
      return false
    }).immediate
    while (apply()) {}
  }
}

/** Such as SQLITE_BUSY; undefined for any other error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined

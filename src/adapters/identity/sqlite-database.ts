import { Database, type SQLQueryBindings } from 'bun:sqlite'
import { chmodSync, constants, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { SqliteDialect, type SqliteStatement } from 'kysely'
import type { IdentityDatabase } from './database.ts'
import { outage } from './request-state.ts'

/** The lock on the task database beside it keeps other servers out. */
export const openSqlite = (path: string): IdentityDatabase => {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new Database(path, { create: true })
  if (path !== ':memory:') restrictAccess(path)
  // An operator's command writes for milliseconds while the server runs.
  database.run('pragma busy_timeout = 1000')
  // Unlike a write-ahead log, this journal keeps nothing of what was deleted.
  database.run('pragma journal_mode = truncate')
  database.run('pragma secure_delete = on')
  database.run('pragma synchronous = full')
  database.run('pragma foreign_keys = on')
  // A backup and commands of the operator have the file for milliseconds.
  database.run('pragma busy_timeout = 1000')
  const close = (): void => database.close()
  return {
    database: {
      dialect: new SqliteDialect({ database: { prepare: prepareWith(database), close } }),
      type: 'sqlite',
      transaction: true,
    },
    exclusively: (step) => step(),
    close: async () => close(),
  }
}

/** SQLite gives its journal the same mode. */
const restrictAccess = (path: string): void => {
  try {
    chmodSync(path, 0o600)
  } catch {
    // The file belongs to another user, or the file system has no modes.
  }
}

/** Whether the file has keys that a secret encrypts. */
export const hasSigningKeys = (path: string): boolean => {
  if (!existsSync(path)) return false
  const database = new Database(path)
  try {
    const table = database.query("select 1 from sqlite_master where name = 'jwks'").get()
    return table !== null && database.query('select 1 from jwks limit 1').get() !== null
  } finally {
    database.close()
  }
}

/**
 * Copies a database that another process may have open. The lock of a read transaction keeps it from
 * changing meanwhile; not for the process of the server, where closing the file drops its locks.
 */
export const copySqlite = (path: string, target: string): void => {
  const database = new Database(path, { readwrite: true, create: false })
  try {
    database.run('pragma busy_timeout = 5000')
    database.run('begin')
    database.query('select 1 from sqlite_master').get()
    copyFileSync(path, target, constants.COPYFILE_FICLONE)
  } finally {
    database.close()
  }
}

/** Waits for its turn at once: one that has read before it writes cannot wait any more. */
const BEGIN = 'begin immediate'

const prepareWith =
  (database: Database) =>
  (text: string): SqliteStatement => {
    const sql = text === 'begin' ? BEGIN : text
    const statement = guarded(() => database.prepare<unknown, SQLQueryBindings[]>(sql))
    const values = (parameters: readonly unknown[]) => parameters as SQLQueryBindings[]
    return {
      reader: statement.columnNames.length > 0,
      all: (parameters) => guarded(() => statement.all(...values(parameters))),
      run: (parameters) => guarded(() => statement.run(...values(parameters))),
      iterate: (parameters) => statement.iterate(...values(parameters)),
    }
  }

const guarded = <Result>(step: () => Result): Result => {
  try {
    return step()
  } catch (error) {
    throw isOutage(error) ? outage(error) : error
  }
}

const isOutage = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  /^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN|CORRUPT|NOTADB)/.test(String(error.code))

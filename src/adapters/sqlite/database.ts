import { Database } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDamage } from './attempt.ts'
import { fileCheck, realPath, restrictAccess } from './files.ts'
import { lock } from './lock.ts'
import { migrate, throwIfForeign } from './migrate.ts'

/** Kibibytes of the file kept in memory at most. SQLite's 2000 hold the tasks of about 20 users. */
const CACHE = 32_768

export type OpenDatabase = Readonly<{
  db: Database
  /** Throws `unavailable` when the files were deleted or replaced. */
  checkFiles(): void
  close(): void
}>

/** For this process alone; creates what is missing. Throws an Error that says what to do. */
export const openDatabase = (path: string): OpenDatabase => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return openLocked(realPath(path))
  } catch (error) {
    if (error instanceof Error && !('code' in error)) throw error
    throw new Error(
      `Cannot open the SQLite database ${path}: ${error instanceof Error ? error.message : error}. ` +
        (isDamage(error)
          ? 'The file is damaged: restore a backup, or set DATABASE_URL to another file.'
          : 'Make its folder writable, or set DATABASE_URL to another place.'),
      { cause: error },
    )
  }
}

const openLocked = (path: string): OpenDatabase => {
  const release = lock(path)
  let db: Database | undefined
  const close = (): void => {
    db?.close()
    release()
  }
  try {
    db = new Database(path, { create: true, strict: true })
    throwIfForeign(db, path)
    restrictAccess(path)
    configure(db)
    migrate(db, path)
    return { db, checkFiles: fileCheck(path), close }
  } catch (error) {
    close()
    throw error
  }
}

const configure = (db: Database): void => {
  db.run('pragma journal_mode = wal')
  db.run('pragma synchronous = full')
  db.run('pragma foreign_keys = on')
  db.run('pragma secure_delete = on')
  db.run(`pragma cache_size = -${CACHE}`)
}

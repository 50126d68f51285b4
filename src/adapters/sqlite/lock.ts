import { Database } from 'bun:sqlite'
import { existsSync, rmSync, statSync } from 'node:fs'
import { codeOf } from './attempt.ts'

/**
 * Until released, no other process opens this database: it holds an exclusive transaction on a file
 * beside it. If that file is missing, another process may hold a deleted one.
 */
export const lock = (path: string): (() => void) => {
  const name = `${path}.lock`
  const present = existsSync(name)
  const holder = new Database(name, { create: true, strict: true })
  const release = (): void => holder.close()
  try {
    holder.run('pragma journal_mode = memory')
    holder.run('begin exclusive')
    throwIfLinked(path)
    if (!present) throwIfOpen(path)
    return release
  } catch (error) {
    release()
    if (codeOf(error) !== 'SQLITE_BUSY') throw error
    if (!present) rmSync(name, { force: true })
    throw new Error(
      `${path} is in use by another Taskport process. Stop that one, set DATABASE_URL to another ` +
        'file, or use PostgreSQL for several processes.',
    )
  }
}

/** Undefined while another process, or this one, holds the file; it is freed when a process ends. */
export const tryLock = (path: string): (() => void) | undefined => {
  const holder = new Database(path, { create: true, strict: true })
  try {
    holder.run('pragma journal_mode = memory')
    holder.run('begin exclusive')
    return () => holder.close()
  } catch (error) {
    holder.close()
    if (codeOf(error) !== 'SQLITE_BUSY') throw error
    return undefined
  }
}

/** Under each name SQLite would use another write-ahead log, and so damage the file. */
const throwIfLinked = (path: string): void => {
  const file = statSync(path, { throwIfNoEntry: false })
  if (!file?.isFile() || file.nlink === 1) return
  throw new Error(
    `${path} has several names (hard links), which SQLite does not support. Remove the others, or ` +
      'copy the file.',
  )
}

/** Throws SQLITE_BUSY when any connection has the file open. */
const throwIfOpen = (path: string): void => {
  if (!existsSync(path)) return
  const probe = new Database(path, { readwrite: true, strict: true })
  try {
    probe.run('pragma locking_mode = exclusive')
    probe.run('begin immediate')
    probe.run('rollback')
  } finally {
    probe.close()
  }
}

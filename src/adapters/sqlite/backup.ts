import { Database } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import type { Copy, TaskRow } from '../../application/backup.ts'
import type { UserId } from '../../domain/task.ts'
import { throwIfForeign } from './migrate.ts'

/** Schemas before it have no documents. */
const OLDEST_SCHEMA = 9

/**
 * Copies a database to a file that does not exist yet. Another process may write to it meanwhile; for
 * the one that does, this is not: it opens the file a second time. Throws an Error that says what to
 * do.
 */
export const copyDatabase = async (path: string, target: string): Promise<Copy> => {
  if (!existsSync(path))
    throw new Error(`${path} does not exist. Set DATABASE_URL to the database.`)
  const original = new Database(path, { readwrite: true, create: false, strict: true })
  try {
    original.run('pragma busy_timeout = 5000')
    throwIfForeign(original, path)
    throwIfTooOld(original, path)
    original.run('begin')
    original.query('select 1 from users limit 1').get()
    await vacuumInto(path, target)
    const copy = openCopy(target)
    const changes = changesBetween(original, copy)
    return {
      original: () => filter(tasksOf(original), ({ owner, id }) => !changes.get(owner)?.has(id)),
      copied: () => filter(tasksOf(copy), ({ owner, id }) => !changes.get(owner)?.has(id)),
      all: () => tasksOf(copy),
      close: () => {
        copy.close()
        original.close()
      },
    }
  } catch (error) {
    original.close()
    throw error
  }
}

const openCopy = (path: string): Database => new Database(path, { readonly: true, strict: true })

/** Reads a copy that nothing else has open. Throws an Error if a page is damaged. */
export const readCopy = (path: string): { tasks(): Iterable<TaskRow>; close(): void } => {
  const db = openCopy(path)
  throwIfForeign(db, path)
  return { tasks: () => tasksOf(db), close: () => db.close() }
}

/** Throws an Error that names what is wrong with the file. */
export const throwIfDamaged = (path: string): void => {
  const db = openCopy(path)
  try {
    const found = db.query<{ integrity_check: string }, []>('pragma integrity_check(1)').all()
    const [problem] = found.map(({ integrity_check }) => integrity_check)
    if (problem !== 'ok') throw new Error(`${path} is damaged: ${problem}`)
    const [orphan] = db.query<{ table: string }, []>('pragma foreign_key_check').all()
    if (orphan) throw new Error(`${path} is damaged: a row of ${orphan.table} refers to none.`)
  } finally {
    db.close()
  }
}

const throwIfTooOld = (db: Database, path: string): void => {
  const { user_version = 0 } =
    db.query<{ user_version: number }, []>('pragma user_version').get() ?? {}
  if (user_version >= OLDEST_SCHEMA) return
  throw new Error(
    `${path} is of an older version that had no backups. Stop its server and copy the whole folder.`,
  )
}

function* tasksOf(db: Database): Generator<TaskRow> {
  yield* db
    .query<TaskRow, []>(`
      select user_id as owner, id, revision, timeline, document from tasks
      order by user_id, revision`)
    .iterate()
}

function* filter(rows: Iterable<TaskRow>, keep: (row: TaskRow) => boolean): Generator<TaskRow> {
  for (const row of rows) if (keep(row)) yield row
}

type Changed = Readonly<{ has(id: string): boolean }>

const EVERYTHING: Changed = { has: () => true }

/** The tasks that were changed after the one and before the other was read, by their owners. */
const changesBetween = (original: Database, copy: Database): Map<UserId, Changed> => {
  const revisionOf = original.query<{ revision: number }, [string]>(
    'select revision from users where id = ?',
  )
  const changedAfter = copy.query<{ id: string }, [string, number]>(
    'select id from changes where user_id = ? and revision > ?',
  )
  const changes = new Map<UserId, Changed>()
  for (const { id, revision } of copy
    .query<{ id: string; revision: number }, []>('select id, revision from users')
    .iterate()) {
    const before = revisionOf.get(id)?.revision ?? 0
    if (revision === before) continue
    const deleted = revision < before
    const ids = deleted ? [] : changedAfter.all(id, before).map((row) => row.id)
    changes.set(id, deleted ? EVERYTHING : new Set(ids))
  }
  return changes
}

const vacuumInto = async (source: string, target: string): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const worker = new Worker(new URL('./copy-worker.ts', import.meta.url))
  worker.onmessage = ({ data }: MessageEvent<{ message?: string; code?: string }>) => {
    if (data.message === undefined) resolve()
    else reject(Object.assign(new Error(data.message), { code: data.code }))
  }
  worker.onerror = ({ message }) => reject(new Error(message))
  worker.postMessage([source, target])
  await promise.finally(() => worker.terminate())
}

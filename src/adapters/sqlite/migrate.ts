import type { Database } from 'bun:sqlite'
import tasks from './migrations/001-tasks.sql' with { type: 'text' }
import changes from './migrations/002-changes.sql' with { type: 'text' }
import reminders from './migrations/003-reminders.sql' with { type: 'text' }
import webhooks from './migrations/004-webhooks.sql' with { type: 'text' }
import served from './migrations/005-served.sql' with { type: 'text' }
import documents from './migrations/006-documents.sql' with { type: 'text' }
import { copyTasks } from './migrations/007-copy-tasks.ts'
import finishDocuments from './migrations/008-finish-documents.sql' with { type: 'text' }
import taskBytes from './migrations/009-task-bytes.sql' with { type: 'text' }
import tokens from './migrations/010-tokens.sql' with { type: 'text' }

type Step = Readonly<{ name: string; run: (db: Database) => boolean }>

/** Steps are repeated, each time in a transaction of its own, while they return true. */
const MIGRATIONS: readonly (string | Step)[] = [
  tasks,
  changes,
  reminders,
  webhooks,
  served,
  documents,
  { name: 'copyTasks', run: copyTasks },
  finishDocuments,
  taskBytes,
  tokens,
]

/** "Task" in ASCII: marks our files. */
const APPLICATION_ID = 0x5461736b

/** Comments and white space do not count; of a step in TypeScript only its name does. */
const digestOf = (step: string | Step): string => {
  const text = typeof step === 'string' ? step : step.name
  const plain = text.replace(/--.*$/gm, '').replace(/\s+/g, ' ').trim()
  return new Bun.CryptoHasher('sha256').update(plain).digest('hex')
}

/** Throws an Error that says what to do with a schema that an unreleased version wrote. */
export const migrate = (db: Database, path: string): void => {
  const version = pragma(db, 'user_version')
  const digests = MIGRATIONS.map(digestOf)
  db.run(`pragma application_id = ${APPLICATION_ID}`)
  db.run(`create table if not exists migrations (
    version integer primary key, digest text not null) strict`)
  const record = db.query('insert or ignore into migrations (version, digest) values (?, ?)')
  throwIfDifferent(db, path, digests)
  for (const [index, digest] of digests.slice(0, version).entries()) record.run(index + 1, digest)
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue
    const apply = db.transaction((): boolean => {
      if (typeof step === 'string') db.run(step)
      else if (step.run(db)) return true
      db.run(`pragma user_version = ${index + 1}`)
      record.run(index + 1, digests[index] ?? '')
      return false
    }).immediate
    while (apply()) {}
  }
}

/** Changes nothing. Throws an Error that says what to do with a file that is not ours. */
export const throwIfForeign = (db: Database, path: string): void => {
  const foreign =
    pragma(db, 'application_id') !== APPLICATION_ID &&
    db.query('select 1 from sqlite_master limit 1').get() !== null
  if (foreign) {
    throw new Error(`${path} belongs to another program. Set DATABASE_URL to a file of its own.`)
  }
  const version = pragma(db, 'user_version')
  if (version > MIGRATIONS.length) {
    throw new Error(
      `${path} has schema ${version}, but this Taskport knows only ${MIGRATIONS.length}. ` +
        'Start the newer version that wrote it.',
    )
  }
}

const pragma = (db: Database, name: string): number =>
  Object.values(db.query<Record<string, number>, []>(`pragma ${name}`).get() ?? {})[0] ?? 0

const throwIfDifferent = (db: Database, path: string, digests: readonly string[]): void => {
  const applied = db
    .query<{ version: number; digest: string }, []>('select * from migrations order by version')
    .all()
  const other = applied.find(({ version, digest }) => digest !== digests[version - 1])
  if (!other) return
  throw new Error(
    `Migration ${other.version} of ${path} is not the one of this Taskport: an unreleased version ` +
      'wrote it. Start the version that wrote it, or restore a backup of a released one.',
  )
}

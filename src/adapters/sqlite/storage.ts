import type { Database } from 'bun:sqlite'
import type { TaskStore, TokenStore, WebhookStore } from '../../application/ports.ts'
import { attempt } from './attempt.ts'
import { changes } from './changes.ts'
import { damageWatch } from './damage.ts'
import { openDatabase } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { listReader } from './list-reader.ts'
import { readTasks } from './read-tasks.ts'
import { reminders } from './reminders.ts'
import { retention } from './retention.ts'
import { tokens } from './tokens.ts'
import { webhooks } from './webhooks.ts'
import { write } from './write.ts'

/** A write is on disk before its promise resolves. Throws an Error that says what to do. */
export const sqliteStorage = (
  path: string,
): {
  tasks: TaskStore
  webhooks: WebhookStore
  tokens: TokenStore
  /**
   * Removes what was deleted or replaced from its files. Where SQLite has moved rows between pages,
   * single remnants stay until it uses their page again, or until `vacuum`.
   */
  eraseDeleted(): Promise<undefined>
  close(): void
} => {
  const { db, checkFiles, close } = openDatabase(path)
  const together = groupCommit(db, checkFiles)
  const damage = damageWatch()
  const reader = listReader(path)
  const reads = readTasks(db, reader)
  return {
    tasks: damage.watch({
      ...reads,
      ...write(db, together),
      ...changes(db),
      ...reminders(db),
      ...retention(db, together),
      ready: async () => {
        checkFiles()
        damage.check()
        await reads.ready()
      },
    }),
    webhooks: damage.watch(webhooks(db, together)),
    tokens: damage.watch(tokens(db, together)),
    eraseDeleted: () => attempt(() => truncateLog(db)),
    close: () => {
      reader.close()
      close()
    },
  }
}

/** Readers of an older state delay it. */
const TRIES = 20
const PAUSE_MS = 50

/** The database itself keeps nothing deleted (`secure_delete`), its write-ahead log does. */
const truncateLog = async (db: Database): Promise<undefined> => {
  const checkpoint = db.query<{ busy: number }, []>('pragma wal_checkpoint(truncate)')
  for (let tries = 0; tries < TRIES; tries++) {
    if (checkpoint.all()[0]?.busy === 0) return
    await Bun.sleep(PAUSE_MS)
  }
  throw new Error('Readers keep the write-ahead log from being emptied.')
}

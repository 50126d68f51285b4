import type { TaskStore, WebhookStore } from '../../application/ports.ts'
import { changes } from './changes.ts'
import { openDatabase } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { readTasks } from './read-tasks.ts'
import { reminders } from './reminders.ts'
import { retention } from './retention.ts'
import { webhooks } from './webhooks.ts'
import { write } from './write.ts'

/** A write is on disk before its promise resolves. Throws an Error that says what to do. */
export const sqliteStorage = (
  path: string,
): { tasks: TaskStore; webhooks: WebhookStore; close(): void } => {
  const { db, close } = openDatabase(path)
  const together = groupCommit(db)
  return {
    tasks: {
      ...readTasks(db),
      ...write(db, together),
      ...changes(db),
      ...reminders(db),
      ...retention(db, together),
    },
    webhooks: webhooks(db, together),
    close,
  }
}

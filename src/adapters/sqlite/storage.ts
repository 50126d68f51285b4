import type { Database } from 'bun:sqlite'
import type { TaskStore, WebhookStore } from '../../application/ports.ts'
import { openDatabase } from './database.ts'
import { sqliteTaskStore } from './task-store.ts'
import { sqliteWebhookStore } from './webhook-store.ts'

/**
 * Everything in one SQLite file, for this process alone. Throws an Error that says what to do when
 * the file cannot be used.
 */
export const sqliteStorage = (
  path: string,
): { tasks: TaskStore; webhooks: WebhookStore; db: Database; close(): void } => {
  const { db, close } = openDatabase(path)
  return { tasks: sqliteTaskStore(db), webhooks: sqliteWebhookStore(db), db, close }
}

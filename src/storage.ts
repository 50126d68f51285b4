import { type Log, serializeError } from './application/log.ts'
import type { JobQueue, TaskStore, WebhookStore } from './application/ports.ts'
import type { Storage } from './config.ts'

export type OpenStorage = Readonly<{
  tasks: TaskStore
  webhooks: WebhookStore
  jobs: JobQueue
  /** Resolves when the database has been reached for the first time. */
  reached: Promise<void>
  /** Whether other processes may write to it as well. */
  shared: boolean
  close(): void | Promise<void>
}>

const NOW = Promise.resolve()

/** Opens the configured storage and loads no other one. `fail` is told when it can never be used. */
export const openStorage = async (
  storage: Storage,
  log: Log,
  fail: (error: Error) => void,
): Promise<OpenStorage> => {
  const onError = (error: unknown): void =>
    log.error(serializeError(error), 'job failed, trying again')
  if (storage.kind === 'memory') {
    const { memoryStorage } = await import('./adapters/memory/storage.ts')
    const { memoryJobQueue } = await import('./adapters/jobs/memory.ts')
    const jobs = memoryJobQueue({ onError })
    return { ...memoryStorage(), jobs, reached: NOW, shared: false, close: () => {} }
  }
  if (storage.kind === 'sqlite') {
    const { sqliteStorage } = await import('./adapters/sqlite/storage.ts')
    const { sqliteJobQueue } = await import('./adapters/jobs/sqlite.ts')
    const { db, ...opened } = sqliteStorage(storage.path)
    return { ...opened, jobs: sqliteJobQueue(db, { onError }), reached: NOW, shared: false }
  }
  const { postgresStorage } = await import('./adapters/postgres/storage.ts')
  const { pgBossQueue } = await import('./adapters/jobs/pg-boss.ts')
  const { address, migrated, ...opened } = postgresStorage(storage.url, {
    poolSize: storage.poolSize,
    onOutage: (error) => log.error(serializeError(error), 'database not reachable, trying again'),
    onRefusal: fail,
  })
  const jobs = pgBossQueue(address, { onError })
  void Promise.all([migrated, jobs.started]).then(() => log.info({}, 'database ready'))
  return { ...opened, jobs, reached: migrated, shared: true }
}

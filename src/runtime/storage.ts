import { type Log, serializeError } from '../application/log.ts'
import type { JobQueue, TaskStore, TokenStore, WebhookStore } from '../application/ports.ts'
import type { Storage } from './config.ts'

export type OpenStorage = Readonly<{
  tasks: TaskStore
  webhooks: WebhookStore
  tokens: TokenStore
  jobs: JobQueue
  reached: Promise<void>
  /** Whether other processes may write to it as well. */
  shared: boolean
  /** Of connections that requests share: statements under way or waiting, and waits so far. */
  poolLoad?(): Readonly<{ size: number; statements: number; waits: number }>
  /** Erases deleted content from the storage's own files; absent without files. */
  eraseDeleted?(): Promise<undefined>
  close(): void | Promise<void>
}>

const NOW = Promise.resolve()

/** `fail` is called when the storage can never be used. */
export const openStorage = async (
  storage: Storage,
  log: Log,
  fail: (error: Error) => void,
): Promise<OpenStorage> => {
  const onError = (error: unknown): void =>
    log.error(serializeError(error), 'job failed, trying again')
  if (storage.kind === 'postgres') {
    const { postgresStorage } = await import('../adapters/postgres/storage.ts')
    const { pgBossQueue } = await import('../adapters/jobs/pg-boss.ts')
    const { migrated, ...opened } = postgresStorage(storage.url, {
      poolSize: storage.poolSize,
      sharding: storage.sharding,
      onOutage: (error) => log.error(serializeError(error), 'database not reachable, trying again'),
      onRefusal: fail,
      onWarning: (message) => log.warn({}, message),
      onPooler: () =>
        log.warn(
          {},
          'statements are no longer prepared: a pooler shares sessions between transactions. ' +
            'Add pgbouncer=true to the database URL to start so.',
        ),
    })
    void migrated.then(() => log.info({}, 'database ready'))
    const jobs = pgBossQueue(storage.url, { onError })
    return { ...opened, jobs, reached: migrated, shared: true }
  }
  const { inProcessQueue } = await import('../adapters/jobs/in-process.ts')
  const jobs = inProcessQueue({ onError })
  if (storage.kind === 'memory') {
    const { memoryStorage } = await import('../adapters/memory/storage.ts')
    return { ...memoryStorage(), jobs, reached: NOW, shared: false, close: () => {} }
  }
  const { sqliteStorage } = await import('../adapters/sqlite/storage.ts')
  return { ...sqliteStorage(storage.path), jobs, reached: NOW, shared: false }
}

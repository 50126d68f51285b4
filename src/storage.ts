import { describe, type Log } from './adapters/http/request-log.ts'
import type { TaskStore } from './application/ports.ts'
import type { Storage } from './config.ts'

export type OpenStorage = Readonly<{
  tasks: TaskStore
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
  if (storage.kind === 'memory') {
    const { memoryTaskStore } = await import('./adapters/memory/task-store.ts')
    return { tasks: memoryTaskStore(), reached: NOW, shared: false, close: () => {} }
  }
  if (storage.kind === 'sqlite') {
    const { sqliteTaskStore } = await import('./adapters/sqlite/task-store.ts')
    return { ...sqliteTaskStore(storage.path), reached: NOW, shared: false }
  }
  const { postgresTaskStore } = await import('./adapters/postgres/task-store.ts')
  const opened = postgresTaskStore(storage.url, {
    poolSize: storage.poolSize,
    onOutage: (error) => log.error(describe(error), 'database not reachable, trying again'),
    onRefusal: fail,
  })
  void opened.migrated.then(() => log.info({}, 'database ready'))
  return { ...opened, reached: opened.migrated, shared: true }
}

import type { TaskStore, WebhookStore } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { type Client, connect, type Limits } from './client.ts'
import { migrate, NewerSchemaError } from './migrate.ts'
import { postgresTaskStore } from './task-store.ts'
import { postgresWebhookStore } from './webhook-store.ts'

export type PostgresOptions = Partial<Limits> &
  Readonly<{
    /** Told of every failed attempt to reach or migrate the database. */
    onOutage?: (error: unknown) => void
    /** Told when the database can never be used by this program. */
    onRefusal?: (error: Error) => void
  }>

const LIMITS: Limits = { poolSize: 10, queryDeadline: 5000, connectionDeadline: 2000 }

/**
 * Everything in a PostgreSQL database, in a schema of its own (`taskport`). Returns at once: until the
 * database is reached and `migrated`, which is tried for ever, every method throws `unavailable`.
 */
export const postgresStorage = (
  url: string,
  { onOutage = () => {}, onRefusal = () => {}, ...limits }: PostgresOptions = {},
): {
  tasks: TaskStore
  webhooks: WebhookStore
  /** The address without what the driver does not know. */
  address: string
  migrated: Promise<void>
  close(): Promise<void>
} => {
  const address = withoutUnknownOptions(url)
  const client = connect(address, { ...LIMITS, ...limits })
  const migration = keepTrying(() => migrate(address), onOutage, onRefusal)
  const run: Client['run'] = async (statement) => {
    if (migration.done) return client.run(statement)
    throw new DomainError('unavailable', 'The storage is not ready yet. Try again.')
  }
  const close = async (): Promise<void> => {
    migration.stop()
    await client.close()
  }
  return {
    tasks: postgresTaskStore(client.sql, run),
    webhooks: postgresWebhookStore(client.sql, run),
    address,
    migrated: migration.finished,
    close,
  }
}

/** Repeats a step until it succeeds, a little later each time, at most every 5 seconds. */
const keepTrying = (
  step: () => Promise<void>,
  onFailure: (error: unknown) => void,
  onRefusal: (error: Error) => void,
) => {
  const { promise: finished, resolve } = Promise.withResolvers<void>()
  const state = { done: false, finished, stop: () => {} }
  let delay = 100
  const attempt = async (): Promise<void> => {
    try {
      await step()
      state.done = true
      resolve()
    } catch (error) {
      if (error instanceof NewerSchemaError) return onRefusal(error)
      onFailure(error)
      const timer = setTimeout(attempt, delay)
      state.stop = () => clearTimeout(timer)
      delay = Math.min(delay * 2, 5000)
    }
  }
  void attempt()
  return state
}

/** Hosted databases give URLs with libpq options that the driver would pass on to the server. */
const withoutUnknownOptions = (url: string): string => {
  const address = new URL(url)
  for (const name of ['channel_binding', 'sslrootcert', 'pgbouncer'])
    address.searchParams.delete(name)
  return address.href
}

import type { TaskStore, TokenStore, WebhookStore } from '../../application/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { changes } from './changes.ts'
import { connect, type Limits, type PoolLoad, type Query } from './client.ts'
import type { Sharding } from './distribute.ts'
import { durabilityWarnings } from './durability.ts'
import { grouped, ungrouped } from './group-commit.ts'
import { migrate } from './migrate.ts'
import { perNode } from './nodes.ts'
import { readTasks } from './read-tasks.ts'
import { reminders } from './reminders.ts'
import { retention } from './retention.ts'
import { tokens } from './tokens.ts'
import { UnusableDatabaseError } from './unusable.ts'
import { webhooks } from './webhooks.ts'
import { write } from './write.ts'

export type PostgresOptions = Partial<Limits> &
  Readonly<{
    sharding?: Sharding
    onOutage?: (error: unknown) => void
    /** Called when the database can never be used by this program. */
    onRefusal?: (error: Error) => void
    /** Called at the start for each setting of the server that puts acknowledged writes at risk. */
    onWarning?: (message: string) => void
    /** Called once, when the server turns out to be behind a pooler that the URL does not mention. */
    onPooler?: () => void
  }>

const LIMITS: Limits = {
  poolSize: 10,
  queryDeadline: 5000,
  connectionDeadline: 2000,
  replacementDeadline: 1000,
}

/** A node that is silent says nothing about the statements that others work on. */
const CLUSTER_LIMITS: Limits = { ...LIMITS, replacementDeadline: LIMITS.queryDeadline }

/** Milliseconds that a request waits for a database not reached yet. */
const START_DEADLINE = 9000

/** Connects in the background: until then calls wait, then throw `unavailable`; `ready` at once. */
export const postgresStorage = (
  url: string,
  {
    sharding = 'none',
    onOutage = () => {},
    onRefusal = () => {},
    onWarning = () => {},
    onPooler = () => {},
    ...limits
  }: PostgresOptions = {},
): {
  tasks: TaskStore
  webhooks: WebhookStore
  tokens: TokenStore
  migrated: Promise<void>
  poolLoad(): PoolLoad
  close(): Promise<void>
} => {
  const all = { ...(sharding === 'citus' ? CLUSTER_LIMITS : LIMITS), ...limits }
  const client = connect(url, all, onPooler)
  const cluster = sharding === 'citus' ? perNode(url, client, { ...all, onWarning }) : undefined
  const send = cluster?.query ?? client.query
  const start = async (): Promise<void> => {
    await migrate(url, sharding)
    for (const warning of await durabilityWarnings(send, sharding)) onWarning(warning)
  }
  const migration = keepTrying(start, onOutage, onRefusal)
  const notReady = (): DomainError =>
    new DomainError('unavailable', 'The storage is not ready yet. Try again.')
  const query: Query = async (text, parameters, reach) => {
    if (!migration.done) await withDeadline(migration.finished, START_DEADLINE, notReady)
    return send(text, parameters, reach)
  }
  const shared = grouped(client.turn)
  const grouping = sharding === 'none' ? shared : ungrouped
  const close = async (): Promise<void> => {
    migration.stop()
    cluster?.close()
    await client.close()
  }
  return {
    tasks: {
      ...readTasks(query, grouping),
      ...write(query, grouping),
      ...changes(query),
      ...reminders(query),
      ...retention(query),
      ready: async () => {
        if (!migration.done) throw notReady()
        await client.query('select 1', [])
      },
    },
    webhooks: webhooks(query),
    tokens: tokens(query, shared),
    migrated: migration.finished,
    poolLoad: client.load,
    close,
  }
}

const withDeadline = async (
  event: Promise<void>,
  milliseconds: number,
  late: () => Error,
): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(late()), milliseconds)
  await Promise.race([event, promise]).finally(() => clearTimeout(timer))
}

/** A little later each time, at most every 5 seconds. */
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
      if (error instanceof UnusableDatabaseError) return onRefusal(error)
      onFailure(error)
      const timer = setTimeout(attempt, delay)
      state.stop = () => clearTimeout(timer)
      delay = Math.min(delay * 2, 5000)
    }
  }
  void attempt()
  return state
}

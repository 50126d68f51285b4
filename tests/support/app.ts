import { importReader } from '../../src/adapters/import/index.ts'
import { unlimited } from '../../src/adapters/limits/token-buckets.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { tokenSecrets } from '../../src/adapters/tokens/index.ts'
import { noTraces } from '../../src/adapters/traces/index.ts'
import { webhooksTo } from '../../src/adapters/webhooks/index.ts'
import { type App, type AppOptions, createApp } from '../../src/application/index.ts'
import type { JobQueue, Ports } from '../../src/application/ports.ts'

/** A queue that runs nothing. */
export const idleQueue: JobQueue = {
  enqueue: async () => {},
  work: () => {},
  failingSince: () => null,
  stop: async () => {},
}

/** The app with what a test cares for, and the simplest there is for everything else. */
export const appOf = (
  ports: Pick<Ports, 'tasks' | 'now' | 'newId'> & Partial<Ports>,
  options: AppOptions = {},
): App =>
  createApp(
    {
      webhooks: memoryStorage().webhooks,
      tokens: memoryStorage().tokens,
      tokenSecrets,
      jobs: idleQueue,
      failingJobs: () => [],
      wake: () => {},
      ...webhooksTo({ http: false, private: false }),
      send: async () => ({ ok: true }),
      traces: noTraces,
      readImport: importReader(),
      chance: () => 0,
      budgets: unlimited,
      steadyNow: ports.now,
      ...ports,
    },
    options,
  )

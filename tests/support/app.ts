import { memoryJobQueue } from '../../src/adapters/jobs/memory.ts'
import { memoryWebhookStore } from '../../src/adapters/memory/webhook-store.ts'
import { webhooksTo } from '../../src/adapters/webhooks/index.ts'
import { type App, type AppOptions, createApp } from '../../src/application/index.ts'
import type { Ports } from '../../src/application/ports.ts'

/** The app with what a test cares for, and the simplest there is for everything else. */
export const appOf = (
  ports: Pick<Ports, 'tasks' | 'now' | 'newId'> & Partial<Ports>,
  options: AppOptions = {},
): App =>
  createApp(
    {
      webhooks: memoryWebhookStore(),
      jobs: memoryJobQueue(),
      ...webhooksTo({ http: false, private: false }),
      send: async () => ({ ok: true }),
      chance: () => 0,
      ...ports,
    },
    options,
  )

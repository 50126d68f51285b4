import { memoryJobQueue } from '../../src/adapters/jobs/memory.ts'
import { memoryWebhookStore } from '../../src/adapters/memory/webhook-store.ts'
import { newSecret } from '../../src/adapters/webhooks/sign.ts'
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
      send: async () => ({ ok: true }),
      newSecret,
      chance: () => 0,
      ...ports,
    },
    options,
  )

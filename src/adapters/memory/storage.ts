import type { TaskStore, WebhookStore } from '../../application/ports.ts'
import { memoryTaskStore } from './task-store.ts'
import { memoryWebhookStore } from './webhook-store.ts'

/** Everything in this process. */
export const memoryStorage = (): { tasks: TaskStore; webhooks: WebhookStore } => {
  const webhooks = memoryWebhookStore()
  return { tasks: memoryTaskStore(undefined, webhooks.wake), webhooks }
}

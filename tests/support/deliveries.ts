import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { App } from '../../src/application/index.ts'
import type { Attempt, Job, TaskStore, WebhookStore } from '../../src/application/ports.ts'
import type { Message } from '../../src/domain/delivery.ts'
import { later } from '../../src/domain/due-date.ts'
import { WEBHOOK_EVENTS, type Webhook } from '../../src/domain/webhook.ts'
import { appOf, idleQueue } from './app.ts'
import { countingIds, NOON } from './tasks.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** A message, where it was sent, and what it was signed with. */
export type Sent = Message & Readonly<{ url: string; secrets: readonly string[] }>

export const failure = (
  error: Exclude<Attempt, { ok: true }>['error'],
  retryAfter = 0,
): Attempt => ({ ok: false, error, retryAfter })

/** An app of the user alice with a clock, a queue and a receiver that a test controls. */
export const deliveries = (
  storage: { tasks: TaskStore; webhooks: WebhookStore } = memoryStorage(),
) => {
  let now = NOON
  const queued: Job[] = []
  const wakes: string[] = []
  const sent: Sent[] = []
  const receiver: { respond: (message: Sent) => Attempt | Promise<Attempt> } = {
    respond: () => ({ ok: true }),
  }
  const app: App = appOf({
    ...storage,
    now: () => now,
    newId: countingIds(),
    wake: (job, at) => void wakes.push(`${job} ${at}`),
    jobs: { ...idleQueue, enqueue: async (jobs) => void queued.push(...jobs) },
    send: async (url, message, secrets) => {
      sent.push({ ...message, url, secrets })
      return receiver.respond({ ...message, url, secrets })
    },
  })

  return {
    ...storage,
    app,
    sent,
    wakes,
    receiver,
    now: () => now,
    pass: (milliseconds: number): void => {
      now = later(now, milliseconds)
    },
    /** What the scheduler and the queue do. */
    tick: async (): Promise<void> => {
      await app.sendReminders()
      await app.enqueueDeliveries()
      for (const job of queued.splice(0)) await app.runJob(job)
    },
    hook: async (
      events: readonly string[] = WEBHOOK_EVENTS,
      url = 'https://hooks.example.com/',
    ): Promise<Webhook> => (await app.createWebhook('alice', url, events)).webhook,
    state: ({ id }: Webhook): Promise<Webhook> => app.getWebhook('alice', id),
    create: async (title: string, remind_at: string | null = null) =>
      (await app.createTask('alice', { title, remind_at })).task,
    /** A line for each message. */
    lines: (): string[] =>
      sent.map(({ type, data }) => {
        const { revision, task } = data as { revision: number; task?: { title: string } }
        return [type, revision, task?.title].filter((part) => part !== undefined).join(' ')
      }),
  }
}

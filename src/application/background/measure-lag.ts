import type { Instant } from '../../domain/due-date.ts'
import type { Ports } from '../ports.ts'

/** In milliseconds: by how much the reminder and the webhook longest due are late; 0 if none is. */
export type Lag = Readonly<{ reminders: number; webhooks: number }>

export const measureLag =
  ({ tasks, webhooks, now, steadyNow }: Pick<Ports, 'tasks' | 'webhooks' | 'now' | 'steadyNow'>) =>
  async (): Promise<Lag> => {
    const [[reminder], [webhook]] = await Promise.all([tasks.reminders(1), webhooks.due(1)])
    const late = (at: Instant | undefined, present: Instant): number =>
      at === undefined ? 0 : Math.max(Date.parse(present) - Date.parse(at), 0)
    return { reminders: late(reminder?.at, now()), webhooks: late(webhook?.at, steadyNow()) }
  }

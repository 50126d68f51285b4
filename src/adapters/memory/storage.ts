import type { TaskStore, TokenStore, WebhookStore } from '../../application/ports.ts'
import { changes } from './changes.ts'
import { readTasks } from './read-tasks.ts'
import { reminders } from './reminders.ts'
import { retention } from './retention.ts'
import type { State } from './state.ts'
import { tokens } from './tokens.ts'
import { webhooks } from './webhooks.ts'
import { write } from './write.ts'

/** Everything is lost with the process. */
export const memoryStorage = (
  timelineName = () => Math.random().toString(36).slice(2),
): { tasks: TaskStore; webhooks: WebhookStore; tokens: TokenStore } => {
  const state: State = { owners: new Map(), tokens: new Map(), timelineName }
  return {
    tasks: {
      ...readTasks(state),
      ...write(state),
      ...changes(state),
      ...reminders(state),
      ...retention(state),
      ready: async () => {},
    },
    webhooks: webhooks(state),
    tokens: tokens(state),
  }
}

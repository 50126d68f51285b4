import type { UserId } from '../domain/task.ts'
import type { Ports } from './ports.ts'

/** Removes everything that is kept of the actor. Repeating it changes nothing. */
export const deleteAccount =
  ({ tasks, webhooks }: Pick<Ports, 'tasks' | 'webhooks'>) =>
  async (actor: UserId): Promise<void> => {
    await webhooks.removeOwner(actor)
    await tasks.removeOwner(actor)
  }

import type { UserId } from '../../domain/task.ts'
import type { Ports } from '../ports.ts'

/** Deletes everything that is kept of the actor, whose later writes are refused. */
export const deleteAccount =
  ({ tasks, now }: Pick<Ports, 'tasks' | 'now'>) =>
  (actor: UserId): Promise<void> =>
    tasks.deleteAccount(actor, now())

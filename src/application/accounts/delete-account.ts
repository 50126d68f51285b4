import type { UserId } from '../../domain/task.ts'
import type { Ports } from '../ports.ts'

/** The actor's later writes are refused. */
export const deleteAccount =
  ({ tasks, now }: Pick<Ports, 'tasks' | 'now'>) =>
  (actor: UserId): Promise<void> =>
    tasks.deleteAccount(actor, now())

import type { UserId } from '../domain/task.ts'
import type { Ports } from './ports.ts'

/** Removes everything that is kept of the actor. Repeating it changes nothing. */
export const deleteAccount =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  (actor: UserId): Promise<void> =>
    tasks.removeOwner(actor)

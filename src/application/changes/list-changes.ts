import type { FeedPosition } from '../../domain/change.ts'
import type { UserId } from '../../domain/task.ts'
import type { Ports } from '../ports.ts'
import { type ChangePage, readChanges } from './read-changes.ts'

/**
 * The changes after a position in the order of their revisions, each task once, as it is now. None
 * is missed or comes out of order, however many write meanwhile. Throws `gone` for a position from
 * which the changes cannot be continued.
 */
export const listChanges =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  (actor: UserId, from: FeedPosition | null, limit: number): Promise<ChangePage> =>
    readChanges(tasks, actor, from, limit)

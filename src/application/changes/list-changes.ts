import type { FeedPosition } from '../../domain/change.ts'
import type { UserId } from '../../domain/task.ts'
import type { Ports } from '../ports.ts'
import { type ChangePage, readChanges } from './read-changes.ts'

/** Misses no change and keeps the order while others write. Throws `gone` if it cannot continue. */
export const listChanges =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  (actor: UserId, from: FeedPosition | null, limit: number): Promise<ChangePage> =>
    readChanges(tasks, actor, from, limit)

import { DomainError } from './errors.ts'
import type { Revision, Task } from './task.ts'

/** The revisions a caller accepts a change on; `any` asks only that the task exists. */
export type Precondition = 'any' | readonly Revision[]

/** Throws `stale`, with the current revision, unless the caller has seen the task as it is now. */
export const requireCurrent = (task: Task, precondition: Precondition): void => {
  if (precondition === 'any' || precondition.includes(task.revision)) return
  throw new DomainError(
    'stale',
    'The task has changed since you read it. Read it again, apply your change and send it with the new ETag.',
    { revision: task.revision },
  )
}

/** Why a task that is not among the caller's own is out of reach: another user's, or nobody's. */
export const outOfReach = (exists: boolean): DomainError =>
  exists
    ? new DomainError(
        'forbidden',
        'This task belongs to another user; you can reach only your own.',
      )
    : new DomainError(
        'not-found',
        'There is no task with this id. List your tasks to see their ids.',
      )

export const quotaExceeded = (quota: number): DomainError =>
  new DomainError(
    'quota-exceeded',
    `You already have ${quota} tasks, the most allowed. Delete some before you create more.`,
  )

import { DomainError } from './errors.ts'
import type { Revision } from './task.ts'
import type { Version } from './version.ts'

export type VersionMatch = Readonly<{ revision: Revision; timeline: string | null }>

/** `any` requires only that the task exists. */
export type Precondition = 'any' | readonly VersionMatch[]

/** Throws `stale`, with the current version, unless the precondition holds for it. */
export const requireCurrent = (current: Version, precondition: Precondition): void => {
  if (precondition === 'any') return
  const { revision, timeline } = current
  const matches = precondition.some(
    (match) =>
      match.revision === revision && (match.timeline === null || match.timeline === timeline),
  )
  if (matches) return
  throw new DomainError(
    'stale',
    'The task has changed since you read it. Read it again, apply your change and send it with the new ETag.',
    { version: current },
  )
}

export const notFoundOrForbidden = (exists: boolean): DomainError =>
  exists
    ? new DomainError(
        'forbidden',
        'This task belongs to another user. You can access only your own.',
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

export const byteQuotaExceeded = (quota: number): DomainError =>
  new DomainError(
    'quota-exceeded',
    `Your tasks take up ${Math.floor(quota / 1_000_000)} MB, the most allowed. Delete or shorten some before you add more.`,
  )

export const accountDeleted = (): DomainError =>
  new DomainError('unauthenticated', 'This account has been deleted. Sign up again to go on.')

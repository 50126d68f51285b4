import { notFoundOrForbidden, type Precondition, requireCurrent } from './access.ts'
import type { Change } from './change.ts'
import { earlier, type Instant } from './due-date.ts'
import { atOperation, DomainError, type Issue, throwIfInvalid } from './errors.ts'
import {
  editTask,
  type NewTask,
  newTask,
  parseTaskId,
  type Revision,
  remind,
  setCompleted,
  type Task,
  type TaskDraft,
  type TaskId,
  type TaskOrigin,
  type TaskPatch,
  type UserId,
} from './task.ts'
import type { Version } from './version.ts'

/** A precondition refers to the task as it was before all operations. */
export type Operation =
  | Readonly<{ op: 'create'; draft: TaskDraft; origin?: TaskOrigin }>
  | Readonly<{ op: 'update'; id: string; patch: TaskPatch; precondition: Precondition }>
  | Readonly<{ op: 'complete'; id: string; want?: boolean | undefined; precondition: Precondition }>
  | Readonly<{ op: 'delete'; id: string; precondition: Precondition }>
  | Readonly<{ op: 'remind'; id: string; precondition: 'any' }>

/** `recordedAt`: when an idempotency record was stored that refers to the task. */
export type VersionedTask = Readonly<{ task: Task; version: Version; recordedAt: Instant | null }>

/** Valid only at `baseRevision`; the new revision is the owner's old one plus `revisionOffset`. */
export type Write =
  | Readonly<{ op: 'create'; task: NewTask; revisionOffset: number }>
  | Readonly<{ op: 'replace'; task: Task; baseRevision: Revision; revisionOffset: number }>
  | Readonly<{ op: 'remove'; id: TaskId; baseRevision: Revision; revisionOffset: number }>
  | Readonly<{ op: 'check'; id: TaskId; baseRevision: Revision }>

/** `before` is the task before the change, if an idempotency record may refer to it. */
export type LogEntry = Readonly<{
  id: TaskId
  op: 'upsert' | 'delete' | 'remind'
  revisionOffset: number
  before: Task | null
}>

/** `version` is set when the operation changed nothing. */
export type PendingChange = Readonly<{ revisionOffset: number; version?: Version }> &
  (Readonly<{ op: 'upsert'; id: TaskId; task: NewTask }> | Readonly<{ op: 'delete'; id: TaskId }>)

/** At most one write per task; log rows in the order of their offsets, 1 to `revisionCount`. */
export type Changeset = Readonly<{
  writes: readonly Write[]
  log: readonly LogEntry[]
  revisionCount: number
  taskCountDelta: number
}>

type Context = Readonly<{ owner: UserId; now: Instant; newId: (at: Instant) => TaskId }>

export const RECORDS_KEPT_MS = 86_400_000

/** Applies operations in turn. Throws for the first that fails, or for all that are `invalid`. */
export const decide = (
  operations: readonly Operation[],
  found: ReadonlyMap<TaskId, VersionedTask>,
  { owner, now, newId }: Context,
): Changeset & Readonly<{ changes: readonly PendingChange[] }> => {
  const writes = new Map<TaskId, Write>()
  const log: LogEntry[] = []
  const changes: PendingChange[] = []
  const issues: Issue[] = []

  const recordedSince = earlier(now, RECORDS_KEPT_MS)

  const append = (id: TaskId, op: LogEntry['op'], before: Task | null = null): number => {
    log.push({ id, op, revisionOffset: log.length + 1, before })
    return log.length
  }

  const create = (draft: TaskDraft, origin?: TaskOrigin): PendingChange => {
    const task = newTask(origin?.id ?? newId(now), owner, draft, now, origin)
    const revisionOffset = append(task.id, 'upsert')
    writes.set(task.id, { op: 'create', task, revisionOffset })
    return { op: 'upsert', id: task.id, task, revisionOffset }
  }

  const change = (operation: Exclude<Operation, { op: 'create' }>): PendingChange => {
    const id = parseTaskId(operation.id) ?? operation.id
    const stored = found.get(id)
    const before = writes.get(id)
    const first = before === undefined || before.op === 'check'
    const task = first ? stored?.task : pendingTask(before)
    if (!stored || !task) throw notFoundOrForbidden(false)
    const { version, recordedAt } = stored
    const baseRevision = version.revision
    const kept = first && (recordedAt ?? '') >= recordedSince ? task : null
    requireCurrent(version, operation.precondition)
    if (operation.op === 'delete') {
      const revisionOffset = append(id, 'delete', kept)
      writes.set(id, { op: 'remove', id, baseRevision, revisionOffset })
      return { op: 'delete', id, revisionOffset }
    }
    const changed = apply(task, operation, now)
    if (changed !== task) {
      const revisionOffset = append(id, operation.op === 'remind' ? 'remind' : 'upsert', kept)
      writes.set(id, { op: 'replace', task: changed, baseRevision, revisionOffset })
      return { op: 'upsert', id, task: changed, revisionOffset }
    }
    if (!before) writes.set(id, { op: 'check', id, baseRevision })
    const revisionOffset = before?.op === 'replace' ? before.revisionOffset : 0
    return { op: 'upsert', id, task, revisionOffset, ...(revisionOffset === 0 && { version }) }
  }

  for (const [n, operation] of operations.entries()) {
    try {
      changes.push(
        operation.op === 'create' ? create(operation.draft, operation.origin) : change(operation),
      )
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const failure = atOperation(error, n)
      if (error.kind !== 'invalid') throw failure
      issues.push(...failure.issues)
    }
  }
  throwIfInvalid(issues)
  const all = [...writes.values()]
  const count = (op: Write['op']): number => all.filter((write) => write.op === op).length
  const taskCountDelta = count('create') - count('remove')
  return { writes: all, log, revisionCount: log.length, taskCountDelta, changes }
}

const apply = (
  task: Task,
  operation: Exclude<Operation, { op: 'create' | 'delete' }>,
  now: Instant,
): Task => {
  if (operation.op === 'update') return editTask(task, operation.patch, now)
  if (operation.op === 'remind') return remind(task, now)
  return setCompleted(task, operation.want ?? !task.completed, now)
}

const pendingTask = (write: Write): Task | undefined =>
  write.op === 'replace' ? write.task : undefined

export type CommittedChange = Readonly<{ change: Change; version: Version }>

export const assignRevisions = (
  changes: readonly PendingChange[],
  baseRevision: Revision,
  timeline: string,
): CommittedChange[] =>
  changes.map((pending) => {
    const revision = baseRevision + pending.revisionOffset
    const version = pending.version ?? { revision, timeline }
    if (pending.op === 'delete') {
      return { change: { op: 'delete', revision, id: pending.id }, version }
    }
    const task: Task = { ...pending.task, revision: version.revision }
    return { change: { op: 'upsert', revision: version.revision, task }, version }
  })

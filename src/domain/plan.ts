import { outOfReach, type Precondition, requireCurrent } from './access.ts'
import type { Change } from './change.ts'
import type { Instant } from './due-date.ts'
import { DomainError, type Issue, refuse } from './errors.ts'
import {
  editTask,
  type NewTask,
  newTask,
  parseTaskId,
  setCompleted,
  type Task,
  type TaskDraft,
  type TaskId,
  type TaskPatch,
  type UserId,
} from './task.ts'

/** What a user wants done. A precondition speaks of the task as it was before all of it. */
export type Operation =
  | Readonly<{ op: 'create'; draft: TaskDraft }>
  | Readonly<{ op: 'update'; id: string; patch: TaskPatch; precondition: Precondition }>
  | Readonly<{ op: 'complete'; id: string; want?: boolean | undefined; precondition: Precondition }>
  | Readonly<{ op: 'delete'; id: string; precondition: Precondition }>

/**
 * What a storage does to one task: make it, or, if it still is at `task.revision`, replace it, remove
 * it, or keep it as it is. `nth` tells which of the revisions taken becomes the task's, from 1; the
 * task that is kept takes none (0).
 */
export type Write =
  | Readonly<{ op: 'create'; task: NewTask; nth: number }>
  | Readonly<{ op: 'replace' | 'remove' | 'keep'; task: Task; nth: number }>

/** A change whose revision is known but for where the owner's revisions stand: `nth` as in `Write`. */
export type PlannedChange = Readonly<{ nth: number; change: Change }>

/** What to do to the tasks, one write for each; how many revisions that takes; what comes of it. */
export type Plan = Readonly<{
  writes: readonly Write[]
  taken: number
  changes: readonly PlannedChange[]
}>

type Context = Readonly<{ owner: UserId; now: Instant; newId: (at: Instant) => TaskId }>

/**
 * Decides what several operations do, one after the other, to the tasks `found`. Each that changes
 * something takes a revision. Throws for the first that cannot be done, for all that are `invalid`;
 * with `batch` the error names which.
 */
export const planChanges = (
  operations: readonly Operation[],
  found: ReadonlyMap<TaskId, Task>,
  { owner, now, newId }: Context,
  batch = false,
): Plan => {
  const writes = new Map<TaskId, Write>()
  const changes: PlannedChange[] = []
  const issues: Issue[] = []
  let taken = 0

  const create = (draft: TaskDraft): PlannedChange => {
    const task = newTask(newId(now), owner, draft, now)
    writes.set(task.id, { op: 'create', task, nth: ++taken })
    return upsert({ ...task, revision: 0 }, taken)
  }

  const change = (operation: Exclude<Operation, { op: 'create' }>): PlannedChange => {
    const { precondition } = operation
    const id = parseTaskId(operation.id) ?? operation.id
    const before = writes.get(id)
    const task = before ? present(before) : found.get(id)
    if (!task) throw outOfReach(false)
    requireCurrent(task, precondition)
    if (operation.op === 'delete') {
      writes.set(id, { op: 'remove', task, nth: ++taken })
      return { nth: taken, change: { op: 'delete', revision: 0, id } }
    }
    const changed =
      operation.op === 'update'
        ? editTask(task, operation.patch, now)
        : setCompleted(task, operation.want ?? !task.completed, now)
    if (changed !== task) writes.set(id, { op: 'replace', task: changed, nth: ++taken })
    else if (!before) writes.set(id, { op: 'keep', task, nth: 0 })
    return upsert(changed, changed === task ? (before?.nth ?? 0) : taken)
  }

  for (const [n, operation] of operations.entries()) {
    try {
      changes.push(operation.op === 'create' ? create(operation.draft) : change(operation))
    } catch (error) {
      if (!(batch && error instanceof DomainError)) throw error
      if (error.kind !== 'invalid') throw inBatch(error, n)
      issues.push(...inBatch(error, n).issues)
    }
  }
  refuse(issues)
  return { writes: [...writes.values()], taken, changes }
}

const present = (write: Write): Task | undefined =>
  write.op === 'create' || write.op === 'remove' ? undefined : write.task

const upsert = (task: Task, nth: number): PlannedChange => ({
  nth,
  change: { op: 'upsert', revision: task.revision, task },
})

/** The same error, naming the operation of a batch that it is about. */
export const inBatch = ({ kind, message, issues, revision }: DomainError, n: number): DomainError =>
  new DomainError(kind, message, {
    ...(revision !== undefined && { revision }),
    issues:
      issues.length === 0
        ? [{ field: `operations/${n}`, detail: message }]
        : issues.map(({ field, detail }) => ({ field: `operations/${n}/body/${field}`, detail })),
  })

/** What has come of a plan whose revisions followed `base`. */
export const settle = (changes: readonly PlannedChange[], base: number): Change[] =>
  changes.map(({ nth, change }) => {
    if (nth === 0) return change
    const revision = base + nth
    return change.op === 'delete'
      ? { ...change, revision }
      : { ...change, revision, task: { ...change.task, revision } }
  })

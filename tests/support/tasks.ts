import { unlimited } from '../../src/adapters/limits/token-buckets.ts'
import { noTraces } from '../../src/adapters/traces/index.ts'
import type { Clock, Commit, NewId, StoredTask, TaskStore } from '../../src/application/ports.ts'
import {
  decide,
  type LogEntry,
  type VersionedTask,
  type Write,
} from '../../src/domain/changeset.ts'
import type { Instant } from '../../src/domain/due-date.ts'
import {
  newTask,
  type Task,
  type TaskDraft,
  type TaskId,
  type UserId,
} from '../../src/domain/task.ts'
import { taskQuery } from '../../src/domain/task-query.ts'

export const NOON = '2026-02-10T12:00:00.000Z'
export const LATER = '2026-02-11T12:00:00.000Z'

/** The whole of a list. */
export const WHOLE = { limit: null, after: null }

/** A clock that gains a second at every look, from noon of 10 February 2026. */
export const tickingClock = (): Clock => {
  let time = Date.parse(NOON)
  return () => {
    const now = new Date(time).toISOString()
    time += 1000
    return now
  }
}

let ids = 0
let users = 0

/** Ascending ids that no two tests share: on a common database they must differ. */
export const countingIds = (): NewId => () => uuid(++ids)

/** A user that no other test has. */
export const someone = (): UserId => `user-${++users}`

/** The UUIDv7 with this number as its time. */
export const uuid = (number: number): string => {
  const hex = number.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${SALT}`
}

const SALT = Bun.randomUUIDv7().slice(24)

const logOf = (write: Write): LogEntry[] => {
  if (write.op === 'check') return []
  const { revisionOffset } = write
  const entry = { revisionOffset, before: null }
  if (write.op === 'remove') return [{ ...entry, id: write.id, op: 'delete' }]
  return [{ ...entry, id: write.task.id, op: 'upsert' }]
}

/** The commit of these writes, each of which takes one revision. */
/** Of commits that are about something else. */
export const ROOM = { quota: 10_000, bytesDelta: 0, bytesQuota: 1 } as const

/** What `execute` needs besides the store. */
export const writePorts = {
  newId: countingIds(),
  wake: () => {},
  notify: () => {},
  traces: noTraces,
  budgets: unlimited,
  quota: { tasks: 100, bytes: 1_000_000 },
}

export const commitOf = (
  owner: UserId,
  writes: readonly Write[],
  more: Partial<Commit> = {},
): Commit => {
  const log = writes.flatMap(logOf).sort((a, b) => a.revisionOffset - b.revisionOffset)
  const count = (op: Write['op']): number => writes.filter((write) => write.op === op).length
  return {
    owner,
    writes,
    log,
    revisionCount: log.length,
    taskCountDelta: count('create') - count('remove'),
    ...ROOM,
    at: NOON,
    ...more,
  }
}

/** The owner's revision before the commit; undefined when there was a conflict. */
const baseOf = async (tasks: TaskStore, commit: Commit): Promise<number | undefined> => {
  const result = await tasks.commit(commit)
  return result.status === 'committed' ? result.baseRevision : undefined
}

/** Stores a task straight through the port. */
export const put = async (
  tasks: TaskStore,
  owner: UserId,
  draft: string | TaskDraft,
  { id = countingIds()(NOON), quota = 10_000, at = NOON } = {},
): Promise<Task> => {
  const task = newTask(id, owner, typeof draft === 'string' ? { title: draft } : draft, at)
  const writes = [{ op: 'create', task, revisionOffset: 1 }] as const
  const base = await baseOf(tasks, commitOf(owner, writes, { quota, at }))
  if (base === undefined) throw new Error('The task was not created.')
  return { ...task, revision: base + 1 }
}

/** `task.revision` is the one that the change was decided on. */
export const replacement = (task: Task, revisionOffset = 1): Write => ({
  op: 'replace',
  task,
  baseRevision: task.revision,
  revisionOffset,
})

export const removal = ({ id, revision }: Task, revisionOffset = 1): Write => ({
  op: 'remove',
  id,
  baseRevision: revision,
  revisionOffset,
})

/** The task with its new revision; undefined when it has changed meanwhile. */
export const replace = async (
  tasks: TaskStore,
  task: Task,
  at = NOON,
): Promise<Task | undefined> => {
  const base = await baseOf(tasks, commitOf(task.user_id, [replacement(task)], { at }))
  return base === undefined ? undefined : { ...task, revision: base + 1 }
}

/** False when it has changed meanwhile. */
export const remove = async (tasks: TaskStore, task: Task, at = NOON): Promise<boolean> =>
  (await baseOf(tasks, commitOf(task.user_id, [removal(task)], { at }))) !== undefined

/** What operations are decided on. */
export const foundOf = (stored: readonly StoredTask[]): Map<TaskId, VersionedTask> =>
  new Map(
    stored.map(({ document, ...more }) => {
      const task = document.value()
      return [task.id, { ...more, task }]
    }),
  )

/** Sends the reminder of a task, if it is due; false when it is not, or the task has changed meanwhile. */
export const remindOf = async (
  tasks: TaskStore,
  owner: UserId,
  id: string,
  now: Instant,
): Promise<boolean> => {
  const stored = await tasks.get(owner, id)
  if (!stored) return false
  const operations = [{ op: 'remind', id, precondition: 'any' }] as const
  const { changes: _, ...changeset } = decide(operations, foundOf([stored]), {
    owner,
    now,
    newId: countingIds(),
  })
  if (changeset.revisionCount === 0) return false
  return (await baseOf(tasks, { ...changeset, owner, ...ROOM, at: now })) !== undefined
}

export const taskOf = async (
  tasks: TaskStore,
  owner: UserId,
  id: string,
): Promise<Task | undefined> => (await tasks.get(owner, id))?.document.value()

/** Oldest first. */
export const titlesOf = async (tasks: TaskStore, owner: UserId): Promise<string[]> => {
  const list = await tasks.list(owner, taskQuery({ order: 'asc' }), WHOLE)
  return list.tasks.value().map(({ title }) => title)
}

/** 0 for an owner without any change. */
export const revisionOf = async (tasks: TaskStore, owner: UserId): Promise<number> =>
  (await tasks.versions([owner]))[0]?.version.revision ?? 0

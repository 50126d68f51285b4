import type { Clock, NewId, TaskStore } from '../../src/application/ports.ts'
import { newTask, type Task, type TaskDraft, type UserId } from '../../src/domain/task.ts'

export const NOON = '2026-02-10T12:00:00.000Z'

/** A clock that gains a second at every look, from noon of 10 February 2026. */
export const tickingClock = (): Clock => {
  let time = Date.parse(NOON)
  return () => {
    const now = new Date(time).toISOString()
    time += 1000
    return now
  }
}

let taken = 0

/** Ascending ids that no two tests share: on a common database they must differ. */
export const countingIds = (): NewId => () => uuid(++taken)

/** The UUIDv7 with this number as its time. */
export const uuid = (number: number): string => {
  const hex = number.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${SALT}`
}

const SALT = Bun.randomUUIDv7().slice(24)

/** Stores a task straight through the port. */
export const put = async (
  tasks: TaskStore,
  owner: UserId,
  draft: string | TaskDraft,
  { id = countingIds()(NOON), quota = 10_000 } = {},
): Promise<Task> => {
  const task = newTask(id, owner, typeof draft === 'string' ? { title: draft } : draft, NOON)
  const base = await tasks.write({ ...ONE, owner, quota, writes: [{ op: 'create', task, nth: 1 }] })
  if (typeof base === 'string') throw new Error(base)
  return { ...task, revision: base + 1 }
}

/** The task with its new revision; undefined when it has changed meanwhile. */
export const replace = async (tasks: TaskStore, task: Task): Promise<Task | undefined> => {
  const base = await tasks.write({
    ...ONE,
    owner: task.user_id,
    writes: [{ op: 'replace', task, nth: 1 }],
  })
  return typeof base === 'number' ? { ...task, revision: base + 1 } : undefined
}

/** False when it has changed meanwhile. */
export const remove = async (tasks: TaskStore, task: Task, at = NOON): Promise<boolean> => {
  const writes = [{ op: 'remove', task, nth: 1 }] as const
  return typeof (await tasks.write({ ...ONE, owner: task.user_id, at, writes })) === 'number'
}

/** 0 for somebody without any change. */
export const revisionOf = async (tasks: TaskStore, owner: UserId): Promise<number> =>
  (await tasks.revisions([owner]))[0]?.revision ?? 0

const ONE = { taken: 1, quota: 0, at: NOON }

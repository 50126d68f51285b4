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
export const put = (
  tasks: TaskStore,
  owner: UserId,
  draft: string | TaskDraft,
  { id = countingIds()(NOON), quota = 10_000 } = {},
): Promise<Task> =>
  tasks.create(
    newTask(id, owner, typeof draft === 'string' ? { title: draft } : draft, NOON),
    quota,
  )

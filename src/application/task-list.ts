import type { Revision, Task } from '../domain/task.ts'

/**
 * Part of a list. `json` is `tasks` as a JSON array (RFC 8259), which is what most callers pass on:
 * whoever has the one makes the other only when it is asked for. `last` is the last of the tasks, `more`
 * tells whether others follow, and `revision` is the user's at the moment of the list, 0 for a user
 * without any change.
 */
export type TaskList = Readonly<{
  tasks: readonly Task[]
  json: string
  last: Task | undefined
  more: boolean
  revision: Revision
}>

/** The first `limit` (all when null) of what was found. */
export const listOf = (
  found: readonly Task[],
  limit: number | null,
  revision: Revision,
): TaskList => {
  const tasks = found.slice(0, limit ?? undefined)
  return {
    tasks,
    last: tasks.at(-1),
    more: tasks.length < found.length,
    revision,
    get json() {
      return JSON.stringify(tasks)
    },
  }
}

/** The same of tasks that were found as JSON objects with the members of `Task`. */
export const listOfJson = (
  found: readonly string[],
  limit: number | null,
  revision: Revision,
): TaskList => {
  const shown = found.slice(0, limit ?? undefined)
  const json = `[${shown.join()}]`
  return {
    json,
    more: shown.length < found.length,
    revision,
    get tasks() {
      return JSON.parse(json)
    },
    get last() {
      const last = shown.at(-1)
      return last && JSON.parse(last)
    },
  }
}

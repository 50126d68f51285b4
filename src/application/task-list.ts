import type { Revision, Task } from '../domain/task.ts'

/**
 * Part of a list. `json` is `tasks` as a JSON array (RFC 8259), which is what most callers pass on;
 * the tasks themselves are made of it only when they are asked for. `last` is the last of the tasks, `more`
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
  const few = limit === null ? found : found.slice(0, limit + 1)
  const json = few.map((task) => JSON.stringify(task)).join(BETWEEN)
  return listOfJson(json, few.length, limit, revision)
}

/** Between two tasks that were found as JSON: a string has no line feed within (RFC 8259 section 7). */
export const BETWEEN = ',\n'

/**
 * The same of `count` tasks that were found as JSON objects with the members of `Task`, put together.
 * At most one of them is beyond the limit.
 */
export const listOfJson = (
  found: string,
  count: number,
  limit: number | null,
  revision: Revision,
): TaskList => {
  const more = limit !== null && count > limit
  const shown = more ? found.slice(0, found.lastIndexOf(BETWEEN)) : found
  const json = `[${shown}]`
  return {
    json,
    more,
    revision,
    get tasks() {
      return JSON.parse(json)
    },
    get last() {
      return shown === '' ? undefined : JSON.parse(shown.slice(shown.lastIndexOf('\n') + 1))
    },
  }
}

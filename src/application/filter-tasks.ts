import type { Revision, UserId } from '../domain/task.ts'
import type { TaskQuery } from '../domain/task-query.ts'
import type { Page, Ports } from './ports.ts'
import type { TaskList } from './task-list.ts'

/** Undefined, without a list query, when the actor's revision still is `unless`. */
export const filterTasks =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  async (
    actor: UserId,
    query: TaskQuery,
    page: Page = { limit: null, after: null },
    unless?: Revision,
  ): Promise<TaskList | undefined> => {
    if (unless !== undefined) {
      const [current] = await tasks.revisions([actor])
      if ((current?.revision ?? 0) === unless) return undefined
    }
    return tasks.list(actor, query, page)
  }

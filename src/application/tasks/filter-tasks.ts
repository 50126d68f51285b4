import type { UserId } from '../../domain/task.ts'
import type { TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'
import type { Page, Ports, TaskList } from '../ports.ts'

/** `list` is undefined, and not queried for, when `isKnown` holds for the current version. */
export const filterTasks =
  ({ tasks }: Pick<Ports, 'tasks'>) =>
  async (
    actor: UserId,
    query: TaskQuery,
    page: Page = { limit: null, after: null },
    isKnown?: (version: Version) => boolean,
  ): Promise<Readonly<{ version: Version; list: TaskList | undefined }>> => {
    if (isKnown) {
      const [current] = await tasks.versions([actor])
      const version = current?.version ?? { revision: 0, timeline: '' }
      if (isKnown(version)) return { version, list: undefined }
    }
    const list = await tasks.list(actor, query, page)
    return { version: list.version, list }
  }

import { DOCUMENT_FORMAT, listOf, SEPARATOR, storedTask } from '../../application/documents.ts'
import type { StoredTask, TaskStore } from '../../application/ports.ts'
import type { UserId } from '../../domain/task.ts'
import { comparePositions, matches, positionOf } from '../../domain/task-query.ts'
import { ownerOf, type State, versionOf } from './state.ts'

export const readTasks = (
  state: State,
): Pick<TaskStore, 'get' | 'find' | 'list' | 'versions' | 'exists'> => {
  const storedOf = (owner: UserId, id: string): StoredTask | undefined => {
    const stored = ownerOf(state, owner).tasks.get(id)
    if (!stored) return undefined
    const { task, timeline, recordedAt } = stored
    const version = { revision: task.revision, timeline }
    return storedTask(JSON.stringify(task), DOCUMENT_FORMAT, version, recordedAt)
  }

  return {
    get: async (owner, id) => storedOf(owner, id),

    find: async (owner, ids) => ids.flatMap((id) => storedOf(owner, id) ?? []),

    list: async (id, query, { limit, after }) => {
      const owner = ownerOf(state, id)
      const found = [...owner.tasks.values()]
        .filter(({ task }) => matches(task, query))
        .map(({ task }) => ({ task, position: positionOf(task, query) }))
        .filter(({ position }) => !after || comparePositions(position, after, query) > 0)
        .sort((a, b) => comparePositions(a.position, b.position, query))
        .slice(0, limit === null ? undefined : limit + 1)
        .map(({ task }) => JSON.stringify(task))
      return listOf(found.join(SEPARATOR), found.length, true, limit, versionOf(owner))
    },

    versions: async (wanted) =>
      wanted.flatMap((id) => {
        const owner = ownerOf(state, id)
        return owner.revision > 0 ? [{ owner: id, version: versionOf(owner) }] : []
      }),

    exists: async (id) => [...state.owners.values()].some(({ tasks }) => tasks.has(id)),
  }
}

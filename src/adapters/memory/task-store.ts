import type { TaskStore } from '../../application/ports.ts'
import { quotaExceeded } from '../../domain/access.ts'
import type { Task, TaskId, UserId } from '../../domain/task.ts'
import { comparePositions, matches, positionOf } from '../../domain/task-query.ts'

type Owner = { revision: number; tasks: Map<TaskId, Task> }

/** Keeps everything in this process and loses it with it. */
export const memoryTaskStore = (): TaskStore => {
  const owners = new Map<UserId, Owner>()
  const ids = new Set<TaskId>()
  const ownerOf = (id: UserId): Owner => owners.get(id) ?? { revision: 0, tasks: new Map() }

  return {
    get: async (owner, id) => copyOf(ownerOf(owner).tasks.get(id)),

    list: async (owner, query, { limit, after }) => {
      const { revision, tasks } = ownerOf(owner)
      const found = [...tasks.values()]
        .filter((task) => matches(task, query))
        .map((task) => ({ task, position: positionOf(task, query) }))
        .filter(({ position }) => !after || comparePositions(position, after, query) > 0)
        .sort((a, b) => comparePositions(a.position, b.position, query))
        .map(({ task }) => ({ ...task }))
      const page = found.slice(0, limit ?? undefined)
      return { tasks: page, more: page.length < found.length, revision }
    },

    create: async (task, quota) => {
      if (ids.has(task.id)) throw new Error('A task with this id exists already.')
      const owner = ownerOf(task.user_id)
      if (owner.tasks.size >= quota) throw quotaExceeded(quota)
      owners.set(task.user_id, owner)
      const created = { ...task, revision: ++owner.revision }
      owner.tasks.set(task.id, created)
      ids.add(task.id)
      return { ...created }
    },

    replace: async (task) => {
      const owner = ownerOf(task.user_id)
      const current = owner.tasks.get(task.id)
      if (current?.revision !== task.revision) return undefined
      const replaced = { ...task, created_at: current.created_at, revision: ++owner.revision }
      owner.tasks.set(task.id, replaced)
      return { ...replaced }
    },

    remove: async (task) => {
      const owner = ownerOf(task.user_id)
      if (owner.tasks.get(task.id)?.revision !== task.revision) return false
      owner.revision++
      owner.tasks.delete(task.id)
      return ids.delete(task.id)
    },

    removeOwner: async (owner) => {
      for (const id of ownerOf(owner).tasks.keys()) ids.delete(id)
      owners.delete(owner)
    },

    revision: async (owner) => ownerOf(owner).revision,
    exists: async (id) => ids.has(id),
    ready: async () => {},
  }
}

const copyOf = (task: Task | undefined): Task | undefined => task && { ...task }

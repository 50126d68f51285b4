import { type FoundChange, feedOf } from '../../application/feed.ts'
import type { Receipt, Step, TaskStore } from '../../application/ports.ts'
import { listOf } from '../../application/task-list.ts'
import { quotaExceeded } from '../../domain/access.ts'
import type { Mark } from '../../domain/change.ts'
import type { Instant } from '../../domain/due-date.ts'
import {
  isDueToRemind,
  type Revision,
  type Task,
  type TaskId,
  type UserId,
} from '../../domain/task.ts'
import { comparePositions, matches, positionOf } from '../../domain/task-query.ts'

type Owner = {
  revision: Revision
  purged: Revision
  marks: Mark[]
  tasks: Map<TaskId, Task>
  deletions: { id: TaskId; revision: Revision; at: Instant }[]
  receipts: Map<string, Receipt & { base: Revision; at: Instant }>
  reminded: Map<TaskId, Revision>
}

/**
 * Keeps everything in this process and loses it with it. `newHistory` names histories; `wake` is told
 * of each change, and when it was.
 */
export const memoryTaskStore = (
  newHistory = () => Math.random().toString(36).slice(2),
  wake: (owner: UserId, at: Instant) => void = () => {},
): TaskStore => {
  const owners = new Map<UserId, Owner>()
  const ids = new Set<TaskId>()
  const ownerOf = (id: UserId): Owner =>
    owners.get(id) ?? {
      revision: 0,
      purged: 0,
      marks: [],
      tasks: new Map(),
      deletions: [],
      receipts: new Map(),
      reminded: new Map(),
    }

  const apply = (owner: Owner, { writes, taken, at, receipt }: Step): Revision => {
    const base = owner.revision
    if (owner.marks.length === 0 && taken > 0) {
      owner.marks.push({ revision: 1, history: newHistory() })
    }
    for (const { op, task, nth } of writes) {
      const { id } = task
      if (op === 'create') ids.add(id)
      if (op === 'create' || op === 'replace') {
        const created_at = owner.tasks.get(id)?.created_at ?? task.created_at
        owner.tasks.set(id, { ...task, created_at, revision: base + nth })
      } else if (op === 'remove') {
        owner.tasks.delete(id)
        ids.delete(id)
        owner.deletions.push({ id, revision: base + nth, at })
      }
    }
    owner.revision += taken
    if (receipt) owner.receipts.set(receipt.key, structuredClone({ ...receipt, base, at }))
    return base
  }

  return {
    get: async (owner, id) => copyOf(ownerOf(owner).tasks.get(id)),

    find: async (owner, wanted) =>
      wanted.flatMap((id) => copyOf(ownerOf(owner).tasks.get(id)) ?? []),

    list: async (owner, query, { limit, after }) => {
      const { revision, tasks } = ownerOf(owner)
      const found = [...tasks.values()]
        .filter((task) => matches(task, query))
        .map((task) => ({ task, position: positionOf(task, query) }))
        .filter(({ position }) => !after || comparePositions(position, after, query) > 0)
        .sort((a, b) => comparePositions(a.position, b.position, query))
        .map(({ task }) => task)
      return listOf(found, limit, revision)
    },

    write: async (step) => {
      const owner = ownerOf(step.owner)
      if (step.receipt && owner.receipts.has(step.receipt.key)) return 'repeated'
      for (const { op, task } of step.writes) {
        if (op === 'create' && ids.has(task.id)) throw new Error('There is a task with this id.')
        if (op !== 'create' && owner.tasks.get(task.id)?.revision !== task.revision) {
          return 'changed'
        }
      }
      const added = step.writes.reduce((sum, { op }) => sum + ADDED[op], 0)
      if (added > 0 && owner.tasks.size + added > step.quota) throw quotaExceeded(step.quota)
      owners.set(step.owner, owner)
      const base = apply(owner, step)
      if (step.taken > 0) wake(step.owner, step.at)
      return base
    },

    receipt: async (owner, key) => structuredClone(ownerOf(owner).receipts.get(key)),

    changes: async (owner, after, deletionsAfter, limit) => {
      const { revision, purged, marks, tasks, deletions, ...rest } = ownerOf(owner)
      const upserts = [...tasks.values()]
        .filter((task) => task.revision > after)
        .map((task): FoundChange => ({ ...task, served: JSON.stringify(task) }))
      const removals = deletions
        .filter((gone) => deletionsAfter !== null && gone.revision > deletionsAfter)
        .map((gone): FoundChange => ({ ...gone, served: null }))
      const all = [...upserts, ...removals].sort((a, b) => a.revision - b.revision)
      const reminded = Object.fromEntries([...rest.reminded].filter(([, at]) => at > after))
      return feedOf({ revision, purged, marks: [...marks], reminded }, all, limit)
    },

    revisions: async (wanted) =>
      wanted.flatMap((owner) => {
        const { revision } = ownerOf(owner)
        return revision > 0 ? [{ owner, revision }] : []
      }),

    remind: async (now, limit) => {
      const due = [...owners].flatMap(([id, { tasks }]) =>
        [...tasks.values()]
          .filter((task) => isDueToRemind(task, now))
          .map((task) => ({ id, task, owner: owners.get(id) })),
      )
      const reminded = new Map<UserId, Revision>()
      for (const { id, task, owner } of due.slice(0, limit)) {
        if (!owner) continue
        const revision = ++owner.revision
        owner.tasks.set(task.id, { ...task, reminded_at: now, updated_at: now, revision })
        owner.reminded.set(task.id, revision)
        reminded.set(id, revision)
        wake(id, now)
      }
      return [...reminded].map(([owner, revision]) => ({ owner, revision }))
    },

    removeOwner: async (owner) => {
      for (const id of ownerOf(owner).tasks.keys()) ids.delete(id)
      owners.delete(owner)
    },

    purge: async (deletionsBefore, receiptsBefore, limit) => {
      let [deletions, receipts] = [0, 0]
      for (const owner of owners.values()) {
        owner.deletions = owner.deletions.filter(({ at, revision }) => {
          if (at >= deletionsBefore || deletions === limit) return true
          owner.purged = Math.max(owner.purged, revision)
          deletions++
          return false
        })
        for (const [key, { at }] of owner.receipts) {
          if (at >= receiptsBefore || receipts === limit) continue
          owner.receipts.delete(key)
          receipts++
        }
      }
      return deletions + receipts
    },

    exists: async (id) => ids.has(id),
    ready: async () => {},
  }
}

const ADDED = { create: 1, replace: 0, keep: 0, remove: -1 } as const

const copyOf = (task: Task | undefined): Task | undefined => task && { ...task }

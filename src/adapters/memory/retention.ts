import type { Horizon, TaskStore } from '../../application/ports.ts'
import { keptTimelines } from '../../domain/version.ts'
import { type Owner, ownerOf, type State } from './state.ts'

type Entry = Owner['log'][number]

export const retention = (state: State): Pick<TaskStore, 'expired' | 'purge'> => ({
  expired: async (horizon, limit) =>
    [...state.owners]
      .filter(
        ([, owner]) =>
          (owner.deletedAt !== null && owner.deletedAt < horizon.tombstones) ||
          owner.log.some(
            (entry) => isExpired(owner, entry, horizon) || hasExpiredBefore(entry, horizon),
          ) ||
          [...owner.records.values()].some(({ at }) => at < horizon.records),
      )
      .slice(0, limit)
      .map(([id]) => id),

  purge: async (id, horizon, limit) => {
    const owner = ownerOf(state, id)
    if (owner.deletedAt !== null && owner.deletedAt < horizon.tombstones) {
      return state.owners.delete(id) ? 1 : 0
    }
    const rows = owner.log.filter((entry) => isExpired(owner, entry, horizon)).slice(0, limit)
    const tombstones = rows.filter(({ op }) => op === 'delete').map(({ revision }) => revision)
    owner.compactedRevision = Math.max(owner.compactedRevision, ...tombstones)
    owner.log = owner.log.filter((entry) => !rows.includes(entry))
    const old = owner.log.filter((entry) => hasExpiredBefore(entry, horizon)).slice(0, limit)
    for (const entry of old) entry.before = null
    owner.timelines = keptTimelines(owner.timelines, horizon.tombstones)
    const records = [...owner.records.values()]
      .filter(({ at }) => at < horizon.records)
      .slice(0, limit)
    for (const { key } of records) owner.records.delete(key)
    return rows.length + old.length + records.length
  },
})

/** The row of a task's last change stays as long as the task. */
const isExpired = (
  owner: Owner,
  entry: Entry,
  { tombstones, records, revisions }: Horizon,
): boolean => {
  const { op, id, revision, at, before } = entry
  if (owner.tasks.get(id)?.task.revision === revision) return false
  if (op === 'upsert') return before === null || at < records
  return at < tombstones || revision <= owner.revision - revisions
}

const hasExpiredBefore = ({ before, at }: Entry, { records }: Horizon): boolean =>
  before !== null && at < records

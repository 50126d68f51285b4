import { DOCUMENT_FORMAT, type FoundChange, feedOf } from '../../application/documents.ts'
import type { TaskStore } from '../../application/ports.ts'
import { ownerOf, type State } from './state.ts'

export const changes = (state: State): Pick<TaskStore, 'changes' | 'remindersAfter'> => ({
  changes: async (id, after, deletionsAfter, limit) => {
    const { revision, compactedRevision, timelines, tasks, log } = ownerOf(state, id)
    const found = log.flatMap((entry): FoundChange[] => {
      const stored = tasks.get(entry.id)?.task
      const from = entry.op === 'delete' ? deletionsAfter : after
      if (from === null || entry.revision <= from) return []
      if (entry.op === 'delete') return [{ ...entry, document: null, format: null }]
      if (stored?.revision !== entry.revision) return []
      return [{ ...entry, document: JSON.stringify(stored), format: DOCUMENT_FORMAT }]
    })
    return feedOf({ revision, compactedRevision, timelines: [...timelines] }, found, limit)
  },

  remindersAfter: async (id, after) =>
    Object.fromEntries(
      ownerOf(state, id)
        .log.filter(({ op, revision }) => op === 'remind' && revision > after)
        .map((entry) => [entry.id, entry.revision]),
    ),
})

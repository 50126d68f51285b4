import type { Commit, TaskStore } from '../../application/ports.ts'
import { accountDeleted, byteQuotaExceeded, quotaExceeded } from '../../domain/access.ts'
import type { Write } from '../../domain/changeset.ts'
import type { NewTask, Revision, Task } from '../../domain/task.ts'
import { emptyOwner, type Owner, ownerOf, type State, storeRecord, versionOf } from './state.ts'
import { wakeWebhooks } from './webhooks.ts'

export const write = (
  state: State,
): Pick<TaskStore, 'commit' | 'idempotencyRecord' | 'tasksAt' | 'deleteAccount'> => ({
  commit: async (commit) => {
    const { at, idempotency, revisionCount, writes } = commit
    const owner = ownerOf(state, commit.owner)
    if (owner.deletedAt) throw accountDeleted()
    if (idempotency && owner.records.has(idempotency.key)) return { status: 'duplicate' }
    if (!writes.every((write) => holds(owner, write))) return { status: 'conflict' }
    requireRoom(owner, commit)
    state.owners.set(commit.owner, owner)
    const baseRevision = owner.revision
    if (owner.timelines.length === 0 && revisionCount > 0) {
      owner.timelines = [{ name: state.timelineName(), revision: 1, at }]
    }
    apply(owner, commit)
    storeRecord(owner, idempotency, baseRevision)
    const webhooks = revisionCount > 0 && wakeWebhooks(owner, at)
    return { status: 'committed', baseRevision, timeline: versionOf(owner).timeline, webhooks }
  },

  idempotencyRecord: async (owner, key) => structuredClone(ownerOf(state, owner).records.get(key)),

  tasksAt: async (id, wanted) => {
    const { tasks, log } = ownerOf(state, id)
    return wanted.flatMap(({ id: task, revision }) => {
      const later = log.filter((entry) => entry.id === task && entry.before !== null)
      const known = [tasks.get(task)?.task, ...later.map(({ before }) => before)]
      return structuredClone(known.find((each) => each?.revision === revision) ?? [])
    })
  },

  deleteAccount: async (owner, at) => {
    state.owners.set(owner, { ...emptyOwner(), deletedAt: at })
    for (const { user_id, hash } of state.tokens.values()) {
      if (user_id === owner) state.tokens.delete(hash)
    }
  },
})

const requireRoom = (
  { tasks, bytes }: Owner,
  { quota, taskCountDelta, bytesQuota, bytesDelta }: Commit,
): void => {
  if (taskCountDelta > 0 && tasks.size + taskCountDelta > quota) throw quotaExceeded(quota)
  if (bytesDelta > 0 && bytes + bytesDelta > bytesQuota) throw byteQuotaExceeded(bytesQuota)
}

const holds = ({ tasks }: Owner, write: Write): boolean => {
  if (write.op === 'create') {
    if (tasks.has(write.task.id)) throw new Error('There is a task with this id.')
    return true
  }
  const id = write.op === 'replace' ? write.task.id : write.id
  return tasks.get(id)?.task.revision === write.baseRevision
}

const apply = (
  owner: Owner,
  { writes, log, revisionCount, bytesDelta, at, idempotency }: Commit,
): void => {
  const base: Revision = owner.revision
  const { timeline } = versionOf(owner)
  const recordedAt = idempotency ? at : null
  for (const write of writes) {
    if (write.op === 'remove') owner.tasks.delete(write.id)
    const checked = write.op === 'check' && owner.tasks.get(write.id)
    if (checked && recordedAt) owner.tasks.set(write.id, { ...checked, recordedAt })
    if (write.op !== 'create' && write.op !== 'replace') continue
    const task = withRevision(write.task, base + write.revisionOffset)
    owner.tasks.set(task.id, { task, timeline, recordedAt })
  }
  for (const { id, op, revisionOffset, before } of log) {
    owner.log.push({ revision: base + revisionOffset, id, op, at, before })
  }
  owner.revision = base + revisionCount
  owner.bytes += bytesDelta
}

/** The revision stays the last member, as in a document. */
const withRevision = (task: NewTask, revision: Revision): Task => {
  const { revision: _, ...fields } = { revision, ...task }
  return { ...fields, revision }
}

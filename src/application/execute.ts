import { notFoundOrForbidden } from '../domain/access.ts'
import {
  assignRevisions,
  type Changeset,
  type CommittedChange,
  decide,
  type Operation,
  type PendingChange,
  type VersionedTask,
  type Write,
} from '../domain/changeset.ts'
import type { Instant } from '../domain/due-date.ts'
import { atOperation, DomainError } from '../domain/errors.ts'
import { parseTaskId, reminderTime, type TaskId, type UserId } from '../domain/task.ts'
import { spend } from './budgets/spend.ts'
import type { ChangeSignal } from './changes/change-signal.ts'
import { documentSize } from './documents.ts'
import { findRecord } from './idempotency.ts'
import type { IdempotencyKey, IdempotencyRecord, Ports } from './ports.ts'

/** The most tasks of a user, and bytes of all their documents. */
export type Quota = Readonly<{ tasks: number; bytes: number }>

export type WritePorts = Pick<Ports, 'tasks' | 'now' | 'newId' | 'wake' | 'budgets' | 'traces'> &
  Pick<ChangeSignal, 'notify'> &
  Readonly<{ quota: Quota }>

/** `replayed`: the same request with the same key had been executed before. */
export type Executed = Readonly<{ changes: readonly CommittedChange[]; replayed: boolean }>

const ATTEMPTS = 100

/** All or nothing; starts over after a conflict. A known idempotency key is not executed again. */
export const execute = async (
  ports: WritePorts,
  actor: UserId,
  operations: readonly Operation[],
  key?: IdempotencyKey,
): Promise<Executed> => {
  const own = operations.filter(({ op }) => op !== 'remind').length
  if (own > 0) spend(ports, actor, 'writes', own)
  const replay = async (): Promise<Executed | undefined> => {
    const record = key && (await findRecord(ports.tasks, actor, key))
    return record && { changes: await replayed(ports, actor, record), replayed: true }
  }
  // The commit itself finds the key of a request that reads nothing beforehand.
  const readsFirst = operations.some(({ op }) => op !== 'create')
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = readsFirst || attempt > 0 ? await replay() : undefined
    if (before) return before
    try {
      const changes = await attemptAll(ports, actor, operations, key)
      if (changes) return { changes, replayed: false }
    } catch (error) {
      // The obstacle may be what the first attempt of this very request has just done.
      const after = await replay()
      if (after) return after
      throw error
    }
  }
  throw new DomainError('unavailable', 'This is changing too fast right now. Try again.')
}

/** Undefined when another writer was faster. */
const attemptAll = async (
  ports: WritePorts,
  actor: UserId,
  operations: readonly Operation[],
  key: IdempotencyKey | undefined,
): Promise<CommittedChange[] | undefined> => {
  const { tasks, quota, now, newId, wake, notify, traces } = ports
  const found = await findAll(tasks, actor, operations)
  const at = now()
  const { changes, ...changeset } = decide(operations, found, { owner: actor, now: at, newId })
  if (changeset.revisionCount === 0 && !key) return assignRevisions(changes, 0, '')
  const { bytesDelta, stored } = sizesOf(changeset, found)
  const requested = operations.some(({ op }) => op !== 'remind')
  if (requested) spend(ports, actor, 'stored', stored)
  const result = await tasks.commit({
    ...changeset,
    owner: actor,
    quota: quota.tasks,
    bytesDelta,
    // What changes no text fits always, so that a task can be completed.
    bytesQuota: operations.some(addsText) ? quota.bytes : Number.MAX_SAFE_INTEGER,
    at,
    ...(key && { idempotency: recordOf(key, at, changes) }),
  })
  if (result.status !== 'committed') return undefined
  const revision = result.baseRevision + changeset.revisionCount
  // A timer that a request has set, such as that of the reminders, runs in its trace.
  if (requested) traces.record(actor, revision, changeset.revisionCount)
  notify(actor, revision)
  if (result.webhooks) wake('enqueue-deliveries', at)
  for (const write of changeset.writes) {
    const time = write.op === 'create' || write.op === 'replace' ? reminderTime(write.task) : null
    if (time !== null) wake('send-reminders', time)
  }
  return assignRevisions(changes, result.baseRevision, result.timeline)
}

/** Throws for the first operation on a task that the actor does not have. */
const findAll = async (
  tasks: Ports['tasks'],
  actor: UserId,
  operations: readonly Operation[],
): Promise<ReadonlyMap<TaskId, VersionedTask>> => {
  const ids = operations.map((operation) =>
    operation.op === 'create' ? undefined : (parseTaskId(operation.id) ?? null),
  )
  const wanted = [...new Set(ids)].filter((id) => typeof id === 'string')
  const [only, second] = wanted
  const stored =
    only === undefined
      ? []
      : second === undefined
        ? [await tasks.get(actor, only)]
        : await tasks.find(actor, wanted)
  const found = new Map<TaskId, VersionedTask>()
  for (const each of stored) {
    const task = each?.document.value()
    if (each && task) {
      found.set(task.id, { task, version: each.version, recordedAt: each.recordedAt })
    }
  }
  for (const [n, id] of ids.entries()) {
    if (id === undefined || (id !== null && found.has(id))) continue
    throw atOperation(notFoundOrForbidden(id !== null && (await tasks.exists(id))), n)
  }
  return found
}

const addsText = ({ op }: Operation): boolean => op === 'create' || op === 'update'

/** About what a change needs besides its documents: its row of the log, index entries, its record. */
const CHANGE_SIZE = 300

/** `stored`: bytes that are written, whatever they replace. */
const sizesOf = (
  { writes, log }: Changeset,
  found: ReadonlyMap<TaskId, VersionedTask>,
): Readonly<{ bytesDelta: number; stored: number }> => {
  let [added, removed] = [0, 0]
  let stored = CHANGE_SIZE * log.length
  for (const write of writes) {
    if (write.op === 'check') continue
    if (write.op !== 'remove') added += documentSize(write.task)
    const former = write.op === 'create' ? undefined : found.get(idOf(write))
    if (former) removed += documentSize(former.task)
  }
  for (const { before } of log) stored += before ? documentSize(before) : 0
  return { bytesDelta: added - removed, stored: stored + added }
}

const idOf = (write: Exclude<Write, { op: 'create' }>): TaskId =>
  write.op === 'replace' ? write.task.id : write.id

const recordOf = (
  key: IdempotencyKey,
  at: Instant,
  changes: readonly PendingChange[],
): IdempotencyRecord => ({
  ...key,
  at,
  changes: changes.map(({ op, id, revisionOffset, version = null }) => ({
    op,
    id,
    revisionOffset,
    version,
  })),
})

/** With the tasks as they were then, after the last change that the request made to each. */
const replayed = async (
  { tasks }: WritePorts,
  actor: UserId,
  { changes }: IdempotencyRecord,
): Promise<CommittedChange[]> => {
  const last = new Map(changes.map(({ id, version }) => [id, version]))
  const upserts = changes.filter(({ op }) => op === 'upsert').map(({ id }) => id)
  const wanted = [...new Set(upserts)].map((id) => ({ id, revision: last.get(id)?.revision ?? 0 }))
  const known = wanted.length === 0 ? [] : await tasks.tasksAt(actor, wanted)
  const found = new Map(known.map((task) => [task.id, task]))
  return changes.map(({ op, id, version: recorded }): CommittedChange => {
    const task = op === 'upsert' ? found.get(id) : undefined
    const version = { revision: 0, timeline: '', ...recorded }
    if (!task) return { change: { op: 'delete', revision: version.revision, id }, version }
    const { revision } = task
    return { change: { op: 'upsert', revision, task }, version: { ...version, revision } }
  })
}

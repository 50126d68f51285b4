import type { Database } from 'bun:sqlite'
import { closeDocument, DOCUMENT_FORMAT, openDocument } from '../../application/documents.ts'
import type { Commit, CommitResult, TaskStore } from '../../application/ports.ts'
import { accountDeleted, byteQuotaExceeded, quotaExceeded } from '../../domain/access.ts'
import type { Write } from '../../domain/changeset.ts'
import type { Instant } from '../../domain/due-date.ts'
import {
  type NewTask,
  type Revision,
  type Task,
  type TaskId,
  taskKeys,
  type UserId,
  withAllFields,
} from '../../domain/task.ts'
import { keptTimelines, type Timeline, type Version } from '../../domain/version.ts'
import { attempt } from './attempt.ts'
import type { GroupCommit } from './group-commit.ts'
import { idempotencyRecords } from './idempotency-records.ts'

/** Milliseconds for which ended timelines are kept. */
const TIMELINES_MS = 90 * 86_400_000

const TABLES = ['tasks', 'changes', 'idempotency_records', 'webhooks', 'tokens', 'users']

/** Of an owner whose documents have not been counted yet, they are. */
const BYTES = `
  coalesce(task_bytes, (
    select coalesce(sum(octet_length(document) - length(t.revision) - 1), 0)
    from tasks as t where t.user_id = users.id))`

type Document = { document: string; format: number }
type Taken = { revision: Revision; timeline: string; incarnation: string; webhooks: number }

export const write = (
  db: Database,
  together: GroupCommit,
): Pick<TaskStore, 'commit' | 'idempotencyRecord' | 'tasksAt' | 'deleteAccount'> => {
  const incarnation = Bun.randomUUIDv7()
  const records = idempotencyRecords(db)
  const selectDeleted = db.query<{ deleted: number }, [string]>(
    'select deleted_at is not null as deleted from users where id = ?',
  )
  const take = db.query<Taken, [string, number, number, number, number, number]>(`
    insert into users (id, revision, task_count, task_bytes)
    select ?1, ?2, ?3, ?5 where ?3 <= ?4 and ?5 <= ?6
    on conflict (id) do update
    set revision = revision + ?2, task_count = task_count + ?3, task_bytes = ${BYTES} + ?5
    where (task_count + ?3 <= ?4 or ?3 <= 0) and (?5 <= 0 or ${BYTES} + ?5 <= ?6)
    returning revision, timeline, incarnation, webhooks`)
  const selectCount = db.query<{ count: number }, [string]>(
    'select task_count as count from users where id = ?',
  )
  const selectTimelines = db.query<{ timelines: string }, [string]>(
    'select timelines from users where id = ?',
  )
  const updateTimelines = db.query(
    'update users set incarnation = ?2, timeline = ?3, timelines = ?4 where id = ?1',
  )
  const isCurrent = db.query<unknown, [string, string, number]>(
    'select 1 from tasks not indexed where user_id = ? and id = ? and revision = ?',
  )
  const insert = db.query(`
    insert into tasks (user_id, id, revision, timeline, format, document, completed, priority,
      title_key, due_key, search_text, remind_key, recorded_at)
    values ($owner, $id, $revision, $timeline, $format, $document, $completed, $priority,
      $title_key, $due_key, $search_text, $remind_key, $recorded_at)`)
  const update = db.query(`
    update tasks not indexed set revision = $revision, timeline = $timeline, format = $format,
      document = $document, completed = $completed, priority = $priority, title_key = $title_key,
      due_key = $due_key, search_text = $search_text, remind_key = $remind_key,
      recorded_at = $recorded_at
    where user_id = $owner and id = $id`)
  const remove = db.query('delete from tasks not indexed where user_id = ? and id = ?')
  const log = db.query(
    'insert into changes (user_id, revision, id, op, at, before) values (?, ?, ?, ?, ?, ?)',
  )
  const noteRecord = db.query(
    'update tasks not indexed set recorded_at = ? where user_id = ? and id = ?',
  )
  const selectDocument = db.query<Document, [string, string, number]>(
    'select document, format from tasks not indexed where user_id = ? and id = ? and revision = ?',
  )
  const selectBefore = db.query<{ document: string }, [string, string, number]>(`
    select before as document from changes
    where user_id = ? and id = ? and before is not null and before ->> 'revision' = ?`)
  const wake = db.query(`
    update webhooks set due_at = coalesce(due_at, ?2), version = version + 1
    where user_id = ?1 and not disabled`)
  const deletions = TABLES.map((table) =>
    db.query(`delete from ${table} where ${table === 'users' ? 'id' : 'user_id'} = ?`),
  )
  const bury = db.query(
    'insert into users (id, revision, task_count, deleted_at) values (?, 0, 0, ?)',
  )

  const beginTimeline = (owner: UserId, revision: Revision, at: Instant): string => {
    const name = newTimelineName()
    const known = JSON.parse(selectTimelines.get(owner)?.timelines ?? '[]') as Timeline[]
    const since = new Date(Date.parse(at) - TIMELINES_MS).toISOString()
    const timelines = keptTimelines([...known, { name, revision, at }], since)
    updateTimelines.run(owner, incarnation, name, JSON.stringify(timelines))
    return name
  }

  const rowOf = (owner: UserId, task: NewTask, version: Version, recorded_at: Instant | null) => ({
    owner,
    id: task.id,
    ...version,
    recorded_at,
    format: DOCUMENT_FORMAT,
    document: closeDocument(openDocument(task), version.revision),
    ...taskKeys(task),
  })

  const taskAt = (owner: UserId, id: TaskId, revision: Revision): Task | undefined => {
    const row =
      selectDocument.get(owner, id, revision) ?? selectBefore.get(owner, id, revision) ?? undefined
    return row && withAllFields(JSON.parse(row.document))
  }

  const holds = (owner: UserId, each: Write): boolean =>
    each.op === 'create' ||
    isCurrent.get(owner, each.op === 'replace' ? each.task.id : each.id, each.baseRevision) !== null

  const takeRevisions = (
    owner: UserId,
    { revisionCount, taskCountDelta, quota, bytesDelta, bytesQuota }: Omit<Commit, 'owner'>,
  ): Taken => {
    const [taken] = take.all(owner, revisionCount, taskCountDelta, quota, bytesDelta, bytesQuota)
    if (taken) return taken
    const count = (selectCount.get(owner)?.count ?? 0) + taskCountDelta
    throw taskCountDelta > 0 && count > quota ? quotaExceeded(quota) : byteQuotaExceeded(bytesQuota)
  }

  /** The counterpart of `commit_writes` in PostgreSQL. */
  const commit = ({ owner, ...commit }: Commit): CommitResult => {
    const { at, idempotency, revisionCount, writes } = commit
    if (selectDeleted.get(owner)?.deleted) throw accountDeleted()
    if (idempotency && records.has(owner, idempotency.key)) return { status: 'duplicate' }
    if (!writes.every((each) => holds(owner, each))) return { status: 'conflict' }
    const taken = takeRevisions(owner, commit)
    const base = taken.revision - revisionCount
    const current = taken.incarnation === incarnation || revisionCount === 0
    const timeline = current ? taken.timeline : beginTimeline(owner, base + 1, at)
    const recordedAt = idempotency ? at : null
    for (const each of writes) {
      if (each.op === 'create' || each.op === 'replace') {
        const version = { revision: base + each.revisionOffset, timeline }
        const row = rowOf(owner, each.task, version, recordedAt)
        if (each.op === 'create') insert.run(row)
        else update.run(row)
      } else if (each.op === 'remove') remove.run(owner, each.id)
      else if (recordedAt) noteRecord.run(recordedAt, owner, each.id)
    }
    for (const { id, op, revisionOffset, before } of commit.log) {
      const kept = before && JSON.stringify(before)
      log.run(owner, base + revisionOffset, id, op, at, kept)
    }
    if (idempotency) records.store(owner, idempotency, { revision: base, timeline })
    const webhooks = taken.webhooks > 0 && revisionCount > 0 && wake.run(owner, at).changes > 0
    return { status: 'committed', baseRevision: base, timeline, webhooks }
  }

  return {
    commit: (step) => attempt(() => together(() => commit(step))),
    idempotencyRecord: (owner, key) => attempt(() => records.get(owner, key)),
    tasksAt: (owner, wanted) =>
      attempt(() => wanted.flatMap(({ id, revision }) => taskAt(owner, id, revision) ?? [])),
    deleteAccount: (owner, at) =>
      attempt(() =>
        together(() => {
          for (const deletion of deletions) deletion.run(owner)
          bury.run(owner, at)
        }),
      ),
  }
}

const newTimelineName = (): string => {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint32Array(2))
  return (a * 2 ** 20 + (b >>> 12)).toString(36)
}

import type { IdempotencyRecord } from '../../application/ports.ts'
import type { LogEntry } from '../../domain/changeset.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { Revision, Task, TaskId, UserId } from '../../domain/task.ts'
import type { Token } from '../../domain/token.ts'
import type { Timeline, Version } from '../../domain/version.ts'
import type { Webhook } from '../../domain/webhook.ts'

export type Owner = {
  revision: Revision
  /** Of all documents. */
  bytes: number
  compactedRevision: Revision
  timelines: readonly Timeline[]
  deletedAt: Instant | null
  tasks: Map<TaskId, { task: Task; timeline: string; recordedAt: Instant | null }>
  log: {
    revision: Revision
    id: TaskId
    op: LogEntry['op']
    at: Instant
    before: Task | null
  }[]
  records: Map<string, IdempotencyRecord>
  webhooks: Map<string, Webhook>
}

export type State = {
  owners: Map<UserId, Owner>
  /** By their hashes. */
  tokens: Map<string, Token>
  timelineName(): string
}

export const emptyOwner = (): Owner => ({
  revision: 0,
  bytes: 0,
  compactedRevision: 0,
  timelines: [],
  deletedAt: null,
  tasks: new Map(),
  log: [],
  records: new Map(),
  webhooks: new Map(),
})

export const ownerOf = ({ owners }: State, id: UserId): Owner => owners.get(id) ?? emptyOwner()

export const versionOf = ({ revision, timelines }: Owner): Version => ({
  revision,
  timeline: timelines.at(-1)?.name ?? '',
})

export const storeRecord = (
  owner: Owner,
  record: IdempotencyRecord | undefined,
  baseRevision: Revision,
): void => {
  if (!record) return
  const { timeline } = versionOf(owner)
  const changes = record.changes.map((change) => ({
    ...change,
    version: change.version ?? { revision: baseRevision + change.revisionOffset, timeline },
  }))
  owner.records.set(record.key, { ...record, changes })
}

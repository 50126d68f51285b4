import { DOCUMENT_FORMAT, openDocument } from '../../application/documents.ts'
import { withVersions } from '../../application/idempotency.ts'
import type { Commit, CommitResult, TaskStore } from '../../application/ports.ts'
import { accountDeleted, byteQuotaExceeded, quotaExceeded } from '../../domain/access.ts'
import type { LogEntry, Write } from '../../domain/changeset.ts'
import { type Revision, type TaskKeys, taskKeys, withAllFields } from '../../domain/task.ts'
import type { Query } from './client.ts'
import type { Grouping } from './group-commit.ts'

type ResultRow = {
  status: CommitResult['status'] | 'quota-exceeded' | 'bytes-exceeded' | 'account-deleted'
  base: Revision
  timeline: string
  webhooks: boolean
}

type RecordRow = {
  key: string
  request: string
  changes: string
  base_revision: Revision
  timeline: string
  at: string
}

/** Commits of one write that come together may share a statement. */
export const write = (
  query: Query,
  grouping: Grouping,
): Pick<TaskStore, 'commit' | 'idempotencyRecord' | 'tasksAt' | 'deleteAccount'> => {
  const commitWrite = grouping<WriteCall, ResultRow>({
    alone: async (call) =>
      only(
        await query<ResultRow>(
          COMMIT_WRITE,
          NAMES.map((name) => call[name]),
        ),
      ),
    together: async (calls) => {
      const numbered = calls
        .map((call, n) => ({ n, ...call }))
        .sort((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0))
      const rows = await query<ResultRow & { n: number }>(COMMIT_TOGETHER, [
        JSON.stringify(numbered),
      ])
      return rows.sort((a, b) => a.n - b.n)
    },
  })

  return {
    commit: async (commit) => {
      const [single, second] = commit.writes
      const row =
        single && !second && commit.log.length < 2
          ? await commitWrite(writeCall(commit, single))
          : only(await query<ResultRow>(COMMIT_WRITES, writesParameters(commit)))
      return toResult(row, commit)
    },

    idempotencyRecord: async (owner, key) => {
      const [row] = await query<RecordRow>(RECORD, [owner, key])
      if (!row) return undefined
      const { base_revision: revision, timeline, changes, ...record } = row
      return { ...record, changes: withVersions(changes, { revision, timeline }) }
    },

    tasksAt: async (owner, wanted) => {
      const rows = await query<{ document: string | null }>(TASKS_AT, [
        owner,
        JSON.stringify(wanted),
      ])
      return rows.flatMap(({ document }) =>
        document === null ? [] : withAllFields(JSON.parse(document)),
      )
    },

    deleteAccount: async (owner, at) => {
      await query(DELETE_ACCOUNT, [owner, at])
      await query(DELETE_TOKENS, [owner], 'coordinator')
    },
  }
}

/** The parameters of `commit_write`, and what each text is cast to. */
const PARAMETERS = {
  owner: 'text',
  quota: 'integer',
  bytes: 'bigint',
  bytes_quota: 'bigint',
  at: 'text',
  op: 'text',
  id: 'uuid',
  base: 'bigint',
  log: 'text',
  before: 'text',
  document: 'text',
  format: 'smallint',
  completed: 'boolean',
  priority: 'text',
  title_key: 'text',
  due_key: 'text',
  remind_key: 'text',
  search_text: 'text',
  key: 'text',
  request: 'text',
  record: 'text',
} as const

type Name = keyof typeof PARAMETERS
type WriteCall = Readonly<Record<Exclude<Name, 'owner'>, string | null> & { owner: string }>

const NAMES = Object.keys(PARAMETERS) as Name[]

const COMMIT_WRITE = `
  select * from taskport.commit_write(
    ${NAMES.map((name, n) => `$${n + 1}::text::${PARAMETERS[name]}`).join()})`

/** Locks owners in order, so no two deadlock; sets the lock timeout before the first. */
const COMMIT_TOGETHER = `
  select w.n, r.*
  from (select set_config('lock_timeout', '250ms', true) as lock_timeout) as settings,
    json_to_recordset(case when lock_timeout is null then null else $1::text::json end) as w (
      n integer, ${NAMES.map((name) => `${name} ${PARAMETERS[name]}`).join()}),
    taskport.commit_write(${NAMES.map((name) => `w.${name}`).join()}) as r`

const COMMIT_WRITES = `
  select * from taskport.commit_writes($1::text, $2::text::integer, $3::text::bigint,
    $4::text::bigint, $5::text, $6::text::bigint, $7::text::integer, $8::text::json,
    $9::text::json, $10::text, $11::text, $12::text)`

const RECORD = `
  select key, request, changes, base_revision, timeline, at from taskport.idempotency_records
  where user_id = $1::text and key = $2::text`

const TASKS_AT = `
  select coalesce(
    (select document from taskport.tasks as t
      where t.user_id = $1::text and t.id = w.id and t.revision = w.revision),
    (select before from taskport.changes as c
      where c.user_id = $1::text and c.id = w.id and c.before is not null
        and (c.before::json ->> 'revision')::bigint = w.revision limit 1)) as document
  from json_to_recordset($2::text::json) as w (id uuid, revision bigint)`

const DELETE_ACCOUNT = 'select taskport.delete_account($1::text, $2::text)'
const DELETE_TOKENS = 'select taskport.delete_tokens($1::text)'

type Columns = Omit<TaskKeys, 'completed'> &
  Readonly<{ document: string; format: string; completed: string }>

const NO_COLUMNS: Record<keyof Columns, null> = {
  document: null,
  format: null,
  completed: null,
  priority: null,
  title_key: null,
  due_key: null,
  remind_key: null,
  search_text: null,
}

const columnsOf = (each: Write): Columns | typeof NO_COLUMNS => {
  if (each.op !== 'create' && each.op !== 'replace') return NO_COLUMNS
  const { completed, ...keys } = taskKeys(each.task)
  return {
    document: openDocument(each.task),
    format: String(DOCUMENT_FORMAT),
    completed: String(completed),
    ...keys,
  }
}

const idOf = (each: Write): string => ('task' in each ? each.task.id : each.id)
const baseOf = (each: Write): string | null =>
  'baseRevision' in each ? String(each.baseRevision) : null

const beforeOf = (entry: LogEntry | undefined): string | null =>
  entry?.before ? JSON.stringify(entry.before) : null

const recordParameters = ({ idempotency }: Commit) => ({
  key: idempotency?.key ?? null,
  request: idempotency?.request ?? null,
  record: idempotency ? JSON.stringify(idempotency.changes) : null,
})

const writeCall = (commit: Commit, each: Write): WriteCall => ({
  owner: commit.owner,
  quota: String(commit.quota),
  bytes: String(commit.bytesDelta),
  bytes_quota: String(commit.bytesQuota),
  at: commit.at,
  op: each.op,
  id: idOf(each),
  base: baseOf(each),
  log: commit.log[0]?.op ?? null,
  before: beforeOf(commit.log[0]),
  ...columnsOf(each),
  ...recordParameters(commit),
})

const writesParameters = (commit: Commit): (string | null)[] => {
  const writes = commit.writes.map((each) => ({
    op: each.op,
    id: idOf(each),
    base: baseOf(each),
    offset: 'revisionOffset' in each ? each.revisionOffset : 0,
    ...columnsOf(each),
  }))
  const log = commit.log.map((entry) => ({
    id: entry.id,
    op: entry.op,
    offset: entry.revisionOffset,
    before: beforeOf(entry),
  }))
  const { key, request, record } = recordParameters(commit)
  return [
    commit.owner,
    String(commit.quota),
    String(commit.bytesDelta),
    String(commit.bytesQuota),
    commit.at,
    String(commit.revisionCount),
    String(commit.taskCountDelta),
    JSON.stringify(writes),
    JSON.stringify(log),
    key,
    request,
    record,
  ]
}

const only = (rows: readonly ResultRow[]): ResultRow => {
  const [row] = rows
  if (!row) throw new Error('A commit returned no row.')
  return row
}

const toResult = (
  { status, base, timeline, webhooks }: ResultRow,
  { quota, bytesQuota }: Commit,
): CommitResult => {
  if (status === 'quota-exceeded') throw quotaExceeded(quota)
  if (status === 'bytes-exceeded') throw byteQuotaExceeded(bytesQuota)
  if (status === 'account-deleted') throw accountDeleted()
  if (status !== 'committed') return { status }
  return { status, baseRevision: base, timeline, webhooks }
}

import type { Database } from 'bun:sqlite'
import type { DueWebhook, WebhookStore } from '../../application/ports.ts'
import { accountDeleted } from '../../domain/access.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { Webhook } from '../../domain/webhook.ts'
import { attempt } from './attempt.ts'
import type { GroupCommit } from './group-commit.ts'
import { idempotencyRecords } from './idempotency-records.ts'

/** Webhooks take no revisions. */
const NO_VERSION = { revision: 0, timeline: '' }

type Row = { document: string; due_at: Instant | null; version: number }

const toWebhook = ({ document, due_at, version }: Row): Webhook => ({
  ...(JSON.parse(document) as Omit<Webhook, 'due_at' | 'version'>),
  due_at,
  version,
})

const toRow = ({ due_at, version, ...webhook }: Webhook) => ({
  owner: webhook.user_id,
  id: webhook.id,
  disabled: webhook.disabled !== null,
  due_at,
  version,
  document: JSON.stringify(webhook),
})

export const webhooks = (db: Database, together: GroupCommit): WebhookStore => {
  const records = idempotencyRecords(db)
  const selectOwner = db.query<{ webhooks: number; deleted: number }, [string]>(
    'select webhooks, deleted_at is not null as deleted from users where id = ?',
  )
  const count = db.query(`
    insert into users (id, revision, task_count, webhooks) values (?1, 0, 0, ?2)
    on conflict (id) do update set webhooks = webhooks + ?2`)
  const select = db.query<Row, [string, string]>(
    'select document, due_at, version from webhooks where user_id = ? and id = ?',
  )
  const selectAll = db.query<Row, [string]>(
    'select document, due_at, version from webhooks where user_id = ? order by id',
  )
  const insert = db.query(`
    insert into webhooks (user_id, id, version, disabled, due_at, document)
    values ($owner, $id, $version, $disabled, $due_at, $document)`)
  const update = db.query(`
    update webhooks set version = version + 1, disabled = $disabled, due_at = $due_at,
      document = $document
    where user_id = $owner and id = $id and version = $version`)
  const remove = db.query('delete from webhooks where user_id = ? and id = ?')
  const selectDue = db.query<DueWebhook, [string, string, number]>(`
    select user_id as owner, id, due_at as at from webhooks
    where due_at is not null and (due_at, id) > (?, ?) order by due_at, id limit +?`)

  const step = <Result>(run: () => Result): Promise<Result> => attempt(() => together(run))

  return {
    create: (webhook, most, record) =>
      step(() => {
        const owner = selectOwner.get(webhook.user_id)
        if (owner?.deleted) throw accountDeleted()
        if (record && records.has(webhook.user_id, record.key)) return 'duplicate'
        if ((owner?.webhooks ?? 0) >= most) return 'limit'
        count.run(webhook.user_id, 1)
        insert.run(toRow(webhook))
        if (record) records.store(webhook.user_id, record, NO_VERSION)
        return 'created'
      }),
    get: (owner, id) =>
      attempt(() => {
        const row = select.get(owner, id)
        return row ? toWebhook(row) : undefined
      }),
    list: (owner) => attempt(() => selectAll.all(owner).map(toWebhook)),
    replace: (webhook, record) =>
      step(() => {
        if (record && records.has(webhook.user_id, record.key)) return 'duplicate'
        if (update.run(toRow(webhook)).changes === 0) return 'conflict'
        if (record) records.store(webhook.user_id, record, NO_VERSION)
        return 'replaced'
      }),
    remove: (owner, id, record) =>
      step(() => {
        if (record && records.has(owner, record.key)) return 'duplicate'
        if (remove.run(owner, id).changes === 0) return 'absent'
        count.run(owner, -1)
        if (record) records.store(owner, record, NO_VERSION)
        return 'removed'
      }),
    due: (limit, after) => attempt(() => selectDue.all(after?.at ?? '', after?.id ?? '', limit)),
  }
}

import type { DueWebhook, IdempotencyRecord, WebhookStore } from '../../application/ports.ts'
import { accountDeleted } from '../../domain/access.ts'
import type { Instant } from '../../domain/due-date.ts'
import { parseTaskId } from '../../domain/task.ts'
import type { Webhook } from '../../domain/webhook.ts'
import type { Query } from './client.ts'

type Row = { document: string; due_at: Instant | null; version: number }

const toWebhook = ({ document, due_at, version }: Row): Webhook => ({
  ...(JSON.parse(document) as Omit<Webhook, 'due_at' | 'version'>),
  due_at,
  version,
})

const documentOf = ({ due_at, version, ...webhook }: Webhook): string => JSON.stringify(webhook)

const recordParameters = (record: IdempotencyRecord | undefined): (string | null)[] =>
  record
    ? [record.key, record.request, JSON.stringify(record.changes), record.at]
    : [null, null, null, null]

export const webhooks = (query: Query): WebhookStore => {
  const call = async <Status extends string>(
    text: string,
    parameters: readonly (string | null)[],
  ): Promise<Status> => {
    const [row] = await query<{ status: Status }>(text, parameters)
    if (!row) throw new Error('A function returned no row.')
    return row.status
  }

  return {
    create: async (webhook, most, record) => {
      const { user_id, id, version, due_at } = webhook
      const status = await call<'created' | 'limit' | 'duplicate' | 'account-deleted'>(CREATE, [
        user_id,
        String(most),
        id,
        String(version),
        String(webhook.disabled !== null),
        due_at,
        documentOf(webhook),
        ...recordParameters(record),
      ])
      if (status === 'account-deleted') throw accountDeleted()
      return status
    },
    get: async (owner, id) => {
      if (parseTaskId(id) === undefined) return undefined
      const [row] = await query<Row>(GET, [owner, id])
      return row && toWebhook(row)
    },
    list: async (owner) => (await query<Row>(LIST, [owner])).map(toWebhook),
    replace: (webhook, record) =>
      call(REPLACE, [
        webhook.user_id,
        webhook.id,
        String(webhook.version),
        String(webhook.disabled !== null),
        webhook.due_at,
        documentOf(webhook),
        ...recordParameters(record),
      ]),
    remove: async (owner, id, record) =>
      parseTaskId(id) === undefined
        ? 'absent'
        : call(REMOVE, [owner, id, ...recordParameters(record)]),
    due: (limit, after) =>
      query<DueWebhook>(DUE, [String(limit), after?.at ?? '', after?.id ?? FIRST_ID], 'all'),
  }
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

const CREATE = `
  select taskport.create_webhook($1::text, $2::text::integer, $3::text::uuid, $4::text::bigint,
    $5::text::boolean, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text) as status`
const REPLACE = `
  select taskport.replace_webhook($1::text, $2::text::uuid, $3::text::bigint, $4::text::boolean,
    $5::text, $6::text, $7::text, $8::text, $9::text, $10::text) as status`
const REMOVE = `
  select taskport.remove_webhook($1::text, $2::text::uuid, $3::text, $4::text, $5::text, $6::text)
    as status`
const GET = `
  select document, due_at, version from taskport.webhooks
  where user_id = $1::text and id = $2::text::uuid`
const LIST = `
  select document, due_at, version from taskport.webhooks where user_id = $1::text order by id`
const DUE = `
  select user_id as owner, id, due_at as at from taskport.webhooks
  where due_at is not null and (due_at, id) > ($2::text, $3::text::uuid)
  order by due_at, id limit $1::text::bigint`

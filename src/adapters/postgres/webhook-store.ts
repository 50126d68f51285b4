import type postgres from 'postgres'
import type { WebhookStore } from '../../application/ports.ts'
import type { UserId } from '../../domain/task.ts'
import type { Webhook } from '../../domain/webhook.ts'
import type { Client } from './client.ts'

type Row = Omit<Webhook, 'events' | 'secrets' | 'position'> &
  Record<'events' | 'secrets' | 'position', string>

const toWebhook = (row: Row): Webhook => ({
  ...row,
  events: JSON.parse(row.events),
  secrets: JSON.parse(row.secrets),
  position: JSON.parse(row.position),
})

/** In the schema of the tasks, whose writes make webhooks due; one statement for each method. */
export const postgresWebhookStore = (sql: postgres.Sql, run: Client['run']): WebhookStore => {
  const columns = sql`user_id, id, url, events, secrets, created_at, position, failures,
    last_attempt_at, last_error, failing_since, disabled, due_at, version`
  const state = (webhook: Webhook) => sql`
    ${webhook.url}::text as url, ${JSON.stringify(webhook.events)}::text as events,
    ${JSON.stringify(webhook.secrets)}::text as secrets,
    ${JSON.stringify(webhook.position)}::text as position,
    ${String(webhook.failures)}::text::integer as failures,
    ${webhook.last_attempt_at}::text as last_attempt_at, ${webhook.last_error}::text as last_error,
    ${webhook.failing_since}::text as failing_since, ${webhook.disabled}::text as disabled,
    ${webhook.due_at}::text as due_at`

  return {
    create: async (webhook, most) => {
      const { user_id, id, created_at } = webhook
      const made = await run(sql`
        insert into taskport.webhooks (${columns})
        select ${user_id}::text, ${id}::text::uuid, url, events, secrets, ${created_at}::text, position,
          failures, last_attempt_at, last_error, failing_since, disabled, due_at, 1
        from (select ${state(webhook)}) as new
        where (select count(*) from taskport.webhooks where user_id = ${user_id}::text)
          < ${String(most)}::text::integer
        returning id`)
      return made.length > 0
    },
    get: async (owner, id) => {
      const [row] = await run(sql<Row[]>`
        select ${columns} from taskport.webhooks
        where user_id = ${owner}::text and id::text = ${id}::text`)
      return row && toWebhook(row)
    },
    list: async (owner) => {
      const rows = await run(sql<Row[]>`
        select ${columns} from taskport.webhooks where user_id = ${owner}::text order by id`)
      return rows.map(toWebhook)
    },
    replace: async (webhook) => {
      const done = await run(sql`
        update taskport.webhooks as w set url = new.url, events = new.events,
          secrets = new.secrets, position = new.position, failures = new.failures,
          last_attempt_at = new.last_attempt_at, last_error = new.last_error,
          failing_since = new.failing_since, disabled = new.disabled, due_at = new.due_at,
          version = w.version + 1
        from (select ${state(webhook)}) as new
        where w.user_id = ${webhook.user_id}::text and w.id = ${webhook.id}::text::uuid
          and w.version = ${String(webhook.version)}::text::bigint
        returning 1 as done`)
      return done.length > 0
    },
    remove: async (owner, id) => {
      const gone = await run(sql`
        delete from taskport.webhooks
        where user_id = ${owner}::text and id::text = ${id}::text returning 1 as gone`)
      return gone.length > 0
    },
    removeOwner: async (owner) =>
      void (await run(sql`delete from taskport.webhooks where user_id = ${owner}::text`)),
    due: (now, limit) =>
      run(sql<{ owner: UserId; id: string }[]>`
        select user_id as owner, id from taskport.webhooks
        where due_at is not null and due_at <= ${now}::text
        order by due_at limit ${String(limit)}::text::bigint`),
  }
}

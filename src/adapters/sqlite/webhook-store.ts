import type { Database } from 'bun:sqlite'
import type { WebhookStore } from '../../application/ports.ts'
import type { UserId } from '../../domain/task.ts'
import type { Webhook } from '../../domain/webhook.ts'
import { attempt } from './attempt.ts'

const COLUMNS = [
  'user_id',
  'id',
  'url',
  'events',
  'secrets',
  'created_at',
  'position',
  'failures',
  'last_attempt_at',
  'last_error',
  'failing_since',
  'disabled',
  'due_at',
  'version',
] as const

type Row = Omit<Webhook, 'events' | 'secrets' | 'position'> &
  Record<'events' | 'secrets' | 'position', string>

const toRow = (webhook: Webhook): Row => ({
  ...webhook,
  events: JSON.stringify(webhook.events),
  secrets: JSON.stringify(webhook.secrets),
  position: JSON.stringify(webhook.position),
})

const toWebhook = (row: Row): Webhook => ({
  ...row,
  events: JSON.parse(row.events),
  secrets: JSON.parse(row.secrets),
  position: JSON.parse(row.position),
})

/** In the file of the tasks, whose writes make webhooks due. */
export const sqliteWebhookStore = (db: Database): WebhookStore => {
  const names = COLUMNS.join()
  const select = db.query<Row, [string, string]>(
    `select ${names} from webhooks where user_id = ? and id = ?`,
  )
  const selectAll = db.query<Row, [string]>(
    `select ${names} from webhooks where user_id = ? order by id`,
  )
  const insert = db.query(`
    insert into webhooks (${names}) select ${COLUMNS.map((name) => `$${name}`).join()}
    where (select count(*) from webhooks where user_id = $user_id) < $most`)
  const update = db.query(`
    update webhooks set ${COLUMNS.filter((name) => name !== 'version')
      .map((name) => `${name} = $${name}`)
      .join()}, version = version + 1
    where user_id = $user_id and id = $id and version = $version`)
  const remove = db.query('delete from webhooks where user_id = ? and id = ?')
  const removeAll = db.query('delete from webhooks where user_id = ?')
  const selectDue = db.query<{ owner: UserId; id: string }, [string, number]>(`
    select user_id as owner, id from webhooks where due_at is not null and due_at <= ?
    order by due_at limit ?`)

  return {
    create: (webhook, most) => attempt(() => insert.run({ ...toRow(webhook), most }).changes === 1),
    get: (owner, id) =>
      attempt(() => {
        const row = select.get(owner, id)
        return row ? toWebhook(row) : undefined
      }),
    list: (owner) => attempt(() => selectAll.all(owner).map(toWebhook)),
    replace: (webhook) => attempt(() => update.run(toRow(webhook)).changes === 1),
    remove: (owner, id) => attempt(() => remove.run(owner, id).changes === 1),
    removeOwner: (owner) => attempt(() => void removeAll.run(owner)),
    due: (now, limit) => attempt(() => selectDue.all(now, limit)),
  }
}

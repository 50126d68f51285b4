import type { TaskStore } from '../../application/ports.ts'
import type { UserId } from '../../domain/task.ts'
import type { Query } from './client.ts'

/** Revisions after which an owner's superseded rows are looked for again. */
const SWEEP_EVERY = 1000

export const retention = (query: Query): Pick<TaskStore, 'expired' | 'purge'> => ({
  expired: async ({ tombstones, records }, limit) => {
    const rows = await query<{ owner: UserId }>(
      EXPIRED,
      [tombstones, records, String(limit)],
      'all',
    )
    return rows.map(({ owner }) => owner)
  },

  purge: async (owner, { tombstones, records, revisions }, limit) => {
    const [row] = await query<{ removed: number }>(PURGE, [
      owner,
      tombstones,
      records,
      String(revisions),
      String(limit),
    ])
    return row?.removed ?? 0
  },
})

const LIMIT = 'limit $3::text::bigint'

const EXPIRED = `
  (select user_id as owner from taskport.changes as c
    where op <> 'upsert' and at < $1::text and not exists (
      select from taskport.tasks as t
      where t.user_id = c.user_id and t.id = c.id and t.revision = c.revision)
    ${LIMIT})
  union
  (select user_id from taskport.idempotency_records where at < $2::text ${LIMIT})
  union
  (select user_id from taskport.changes where before is not null and at < $2::text ${LIMIT})
  union
  (select id from taskport.users where deleted_at < $1::text ${LIMIT})
  union
  (select id from taskport.users where revision - swept_revision >= ${SWEEP_EVERY} ${LIMIT})
  ${LIMIT}`

const PURGE = `
  select taskport.purge($1::text, $2::text, $3::text, $4::text::bigint,
    $5::text::integer) as removed`

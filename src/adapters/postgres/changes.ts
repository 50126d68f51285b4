import { type FoundChange, feedOf } from '../../application/documents.ts'
import type { TaskStore } from '../../application/ports.ts'
import type { Revision, TaskId } from '../../domain/task.ts'
import type { Timeline } from '../../domain/version.ts'
import type { Query } from './client.ts'

/** Nulls when there is no change; the owner's state in every row. */
type Row = {
  owner_revision: Revision
  compacted_revision: Revision
  timelines: string
} & (FoundChange | { id: null })

export const changes = (query: Query): Pick<TaskStore, 'changes' | 'remindersAfter'> => ({
  changes: async (owner, after, deletionsAfter, limit) => {
    const rows = await query<Row>(CHANGES, [
      owner,
      String(after),
      deletionsAfter === null ? null : String(deletionsAfter),
      String(limit + 1),
    ])
    const [{ owner_revision = 0, compacted_revision = 0, timelines = '[]' } = {}] = rows
    return feedOf(
      {
        revision: owner_revision,
        compactedRevision: compacted_revision,
        timelines: JSON.parse(timelines) as Timeline[],
      },
      rows.filter((row) => row.id !== null),
      limit,
    )
  },

  remindersAfter: async (owner, after) => {
    const rows = await query<{ id: TaskId; revision: Revision }>(REMINDERS, [owner, String(after)])
    return Object.fromEntries(rows.map(({ id, revision }) => [id, revision]))
  },
})

/** Skips superseded rows. A limit that the planner cannot see keeps it from sorting. */
export const CHANGES = `
  select state.*, page.* from (
    select coalesce(max(revision), 0) as owner_revision,
      coalesce(max(compacted_revision), 0) as compacted_revision,
      coalesce(max(timelines), '[]') as timelines
    from taskport.users where id = $1::text
  ) as state left join lateral (
    select c.revision, c.id, t.document, t.format
    from taskport.changes as c left join lateral (
      select document, format from taskport.tasks as t
      where t.user_id = $1::text and t.id = c.id and t.revision = c.revision offset 0
    ) as t on c.op <> 'delete'
    where c.user_id = $1::text and c.revision > $2::text::bigint
      and case when c.op = 'delete' then c.revision > $3::text::bigint else t.document is not null end
    order by c.revision limit (select $4::text::bigint)
  ) as page on true`

const REMINDERS = `
  select id, max(revision) as revision from taskport.changes
  where user_id = $1::text and revision > $2::text::bigint and op = 'remind' group by id`

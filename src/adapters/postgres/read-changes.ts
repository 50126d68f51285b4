import type postgres from 'postgres'
import type { Feed } from '../../application/ports.ts'
import type { Change, Mark } from '../../domain/change.ts'
import type { Revision, Task, UserId } from '../../domain/task.ts'
import { taskColumns } from './list-tasks.ts'

/** A change, a deletion with no title, or nulls when there is none; the owner's state in every row. */
export type FeedRow = {
  owner_revision: Revision
  purged: Revision
  marks: string
  reminded_revision: Revision
} & (
  | Task
  | { id: null; title: null; revision: null }
  | { id: string; title: null; revision: Revision }
)

/**
 * Merges two walks along the indexes by revision; one row more than asked for tells of more. As for lists,
 * a limit that the planner cannot see keeps it from sorting.
 */
export const changesStatement = (
  sql: postgres.Sql,
  owner: UserId,
  after: Revision,
  deletionsAfter: Revision | null,
  limit: number,
): postgres.PendingQuery<FeedRow[]> => {
  const size = sql`(select ${String(limit + 1)}::text::bigint)`
  const from = sql`${String(after)}::text::bigint`
  const removals = deletionsAfter === null ? null : String(deletionsAfter)
  return sql<FeedRow[]>`
    select state.*, page.* from (
      select coalesce(max(revision), 0) as owner_revision, coalesce(max(purged), 0) as purged,
        coalesce(max(array_to_json(marks)::text), '[]') as marks
      from taskport.users where id = ${owner}::text
    ) as state left join lateral (
      (select ${taskColumns(sql)}, reminded_revision from taskport.tasks
        where user_id = ${owner}::text and revision > ${from} order by revision limit ${size})
      union all
      (select id, user_id, null, null, null, null, null, null, null, null, null, revision, 0::bigint from taskport.deletions
        where user_id = ${owner}::text and revision > ${removals}::text::bigint
        order by revision limit ${size})
      order by revision limit ${size}
    ) as page on true`
}

export const toFeed = (rows: readonly FeedRow[], after: Revision, limit: number): Feed => {
  const reminded: Record<string, Revision> = {}
  const [{ owner_revision = 0, purged = 0, marks = '[]' } = {}] = rows
  const found = rows.flatMap((row): Change[] => {
    const { owner_revision: _, purged: __, marks: ___, reminded_revision, ...task } = row
    if (task.id === null) return []
    if (reminded_revision > after) reminded[task.id] = reminded_revision
    return task.title === null
      ? [{ op: 'delete', revision: task.revision, id: task.id }]
      : [{ op: 'upsert', revision: task.revision, task }]
  })
  const changes = found.slice(0, limit)
  return {
    revision: owner_revision,
    purged,
    marks: (JSON.parse(marks) as string[]).map(toMark),
    changes,
    reminded,
    more: changes.length < found.length,
  }
}

/** Kept as `41 name`. */
const toMark = (text: string): Mark => {
  const [revision, history = ''] = text.split(' ')
  return { revision: Number(revision), history }
}

import { type Feed, type FoundChange, feedOf } from '../../application/feed.ts'
import type { Mark } from '../../domain/change.ts'
import type { Revision, UserId } from '../../domain/task.ts'

/** A change, or nulls when there is none; the owner's state in every row. */
export type FeedRow = {
  owner_revision: Revision
  purged: Revision
  marks: string
  reminded_revision: Revision
} & (FoundChange | { id: null })

/**
 * Merges two walks along the indexes by revision; one row more than asked for tells of more. As for lists,
 * a limit that the planner cannot see keeps it from sorting.
 */
export const changesStatement = (
  owner: UserId,
  after: Revision,
  deletionsAfter: Revision | null,
  limit: number,
): [text: string, parameters: (string | null)[]] => [
  TEXT,
  [
    owner,
    String(after),
    deletionsAfter === null ? null : String(deletionsAfter),
    String(limit + 1),
  ],
]

const SIZE = '(select $4::text::bigint)'

const TEXT = `
  select state.*, page.* from (
    select coalesce(max(revision), 0) as owner_revision, coalesce(max(purged), 0) as purged,
      coalesce(max(array_to_json(marks)::text), '[]') as marks
    from taskport.users where id = $1::text
  ) as state left join lateral (
    (select revision, id, served, reminded_revision from taskport.tasks
      where user_id = $1::text and revision > $2::text::bigint order by revision limit ${SIZE})
    union all
    (select revision, id, null, 0::bigint from taskport.deletions
      where user_id = $1::text and revision > $3::text::bigint order by revision limit ${SIZE})
    order by revision limit ${SIZE}
  ) as page on true`

export const toFeed = (rows: readonly FeedRow[], after: Revision, limit: number): Feed => {
  const reminded: Record<string, Revision> = {}
  const [{ owner_revision = 0, purged = 0, marks = '[]' } = {}] = rows
  const found: FoundChange[] = []
  for (const row of rows) {
    if (row.id === null) continue
    found.push(row)
    if (row.reminded_revision > after) reminded[row.id] = row.reminded_revision
  }
  const state = {
    revision: owner_revision,
    purged,
    marks: (JSON.parse(marks) as string[]).map(toMark),
  }
  return feedOf({ ...state, reminded }, found, limit)
}

/** Kept as `41 name`. */
const toMark = (text: string): Mark => {
  const [revision, history = ''] = text.split(' ')
  return { revision: Number(revision), history }
}

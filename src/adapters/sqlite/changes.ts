import type { Database } from 'bun:sqlite'
import { type FoundChange, feedOf } from '../../application/documents.ts'
import type { TaskStore } from '../../application/ports.ts'
import type { Revision, TaskId } from '../../domain/task.ts'
import type { Timeline } from '../../domain/version.ts'
import { attempt } from './attempt.ts'

type State = { revision: Revision; compactedRevision: Revision; timelines: string }

/** Skips superseded rows. `+?` as for lists. */
export const CHANGES = `
  select c.revision, c.id, t.document, t.format from changes as c
  left join tasks as t not indexed
    on c.op <> 'delete' and t.user_id = c.user_id and t.id = c.id and t.revision = c.revision
  where c.user_id = +? and c.revision > +?
    and iif(c.op = 'delete', c.revision > +?, t.document is not null)
  order by c.revision limit +?`

/** Nothing else can write between the queries of one method. */
export const changes = (db: Database): Pick<TaskStore, 'changes' | 'remindersAfter'> => {
  const selectState = db.query<State, [string]>(`
    select revision, compacted_revision as compactedRevision, timelines from users where id = ?`)
  const selectChanges = db.query<FoundChange, [string, number, number | null, number]>(CHANGES)
  const selectReminders = db.query<{ id: TaskId; revision: Revision }, [string, number]>(`
    select id, max(revision) as revision from changes
    where user_id = ? and revision > ? and op = 'remind' group by id`)

  return {
    changes: (owner, after, deletionsAfter, limit) =>
      attempt(() => {
        const state = selectState.get(owner)
        const { timelines = '[]', ...known } = state ?? { revision: 0, compactedRevision: 0 }
        return feedOf(
          { ...known, timelines: JSON.parse(timelines) as Timeline[] },
          selectChanges.all(owner, after, deletionsAfter, limit + 1),
          limit,
        )
      }),
    remindersAfter: (owner, after) =>
      attempt(() =>
        Object.fromEntries(
          selectReminders.all(owner, after).map(({ id, revision }) => [id, revision]),
        ),
      ),
  }
}

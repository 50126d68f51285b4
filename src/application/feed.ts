import type { Change, FeedState, Reminded } from '../domain/change.ts'
import type { Revision, TaskId } from '../domain/task.ts'

/**
 * What has happened after a position. `json` is `changes` as a JSON array (RFC 8259), of which the
 * changes themselves are made only when they are asked for. `last` is the revision of the last of the changes,
 * `more` tells whether others follow, and `reminded` has, by task, the revision of the last reminder
 * that was given after the position.
 */
export type Feed = FeedState &
  Readonly<{
    changes: readonly Change[]
    json: string
    last: Revision | undefined
    more: boolean
    reminded: Reminded
  }>

type State = FeedState & Pick<Feed, 'reminded'>

/** A change whose task is a JSON object with the members of `Task`, or that is a deletion, without. */
export type FoundChange = Readonly<{ revision: Revision; id: TaskId; served: string | null }>

/** The first `limit` of the changes that were found. */
export const feedOf = (state: State, found: readonly FoundChange[], limit: number): Feed => {
  const shown = found.slice(0, limit)
  const json = `[${shown.map(changeJson).join()}]`
  let changes: readonly Change[] | undefined
  return {
    ...state,
    json,
    last: shown.at(-1)?.revision,
    more: shown.length < found.length,
    get changes() {
      changes ??= JSON.parse(json) as readonly Change[]
      return changes
    },
  }
}

const changeJson = ({ revision, id, served }: FoundChange): string =>
  served === null
    ? `{"op":"delete","revision":${revision},"id":"${id}"}`
    : `{"op":"upsert","revision":${revision},"task":${served}}`

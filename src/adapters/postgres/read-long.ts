import { chunksOf, SEPARATOR } from '../../application/documents.ts'
import type { Page } from '../../application/ports.ts'
import type { LongRead } from '../../application/tasks/long-lists.ts'
import type { Revision, Task, UserId } from '../../domain/task.ts'
import { positionOf, type TaskQuery } from '../../domain/task-query.ts'
import type { Version } from '../../domain/version.ts'
import type { Query } from './client.ts'
import { longStatement } from './list-statements.ts'

/** The version in every row; nulls when there is no task. */
type Row = { revision: Revision | null; timeline: string | null } & (
  | { document: string; format: number }
  | { document: null }
)

type Read = Readonly<{
  rows: Readonly<{ document: string; format: number }>[]
  version: Version
}>

/** More at once would hold up the event loop. */
const ROWS = 100

/** How often a list is read in parts before it is read at once, because it changes meanwhile. */
const ATTEMPTS = 3

/** All tasks are as of the version. */
export const readLong = async (
  query: Query,
  owner: UserId,
  filter: TaskQuery,
  page: Page,
): Promise<LongRead> => {
  const read = async (part: Page): Promise<Read> => {
    const rows = await query<Row>(...longStatement(owner, filter, part))
    const version = { revision: rows[0]?.revision ?? 0, timeline: rows[0]?.timeline ?? '' }
    return { rows: rows.filter((row) => row.document !== null), version }
  }

  const inParts = async (): Promise<LongRead | undefined> => {
    const chunks: Uint8Array[] = []
    let count = 0
    let { after } = page
    for (let first: Version | undefined; ; ) {
      const { rows, version } = await read({ limit: ROWS, after })
      first ??= version
      if (!Bun.deepEquals(version, first)) return undefined
      const more = rows.length > ROWS
      const shown = rows.slice(0, ROWS)
      chunks.push(...chunksOf(shown, count === 0 ? '[' : SEPARATOR, more ? '' : ']'))
      count += shown.length
      const last = shown.at(-1)
      if (!more || !last) return { chunks, count, version }
      after = positionOf(JSON.parse(last.document) as Task, filter)
    }
  }

  if (page.limit === null) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await inParts()
      if (found) return found
    }
  }
  const { rows, version } = await read(page)
  return { chunks: [...chunksOf(rows)], count: rows.length, version }
}

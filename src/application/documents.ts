import type { Change } from '../domain/change.ts'
import type { Instant } from '../domain/due-date.ts'
import {
  type NewTask,
  type Revision,
  TASK_FIELDS,
  type Task,
  type TaskId,
  withAllFields,
} from '../domain/task.ts'
import type { Version } from '../domain/version.ts'
import { parsedLater } from './json.ts'
import type { Feed, StoredTask, TaskList } from './ports.ts'

/** A document is the JSON object a task is served as, with its revision as the last member. */

/** A checksum of the field names (16 bits); documents with another are updated when read. */
export const DOCUMENT_FORMAT = [...Object.keys(TASK_FIELDS).join()].reduce(
  (sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 32_749,
  7,
)

/** The document up to the value of its revision, which `closeDocument` adds. */
export const openDocument = (task: NewTask): string => {
  const { revision: _, ...rest } = task as Task
  return `${JSON.stringify(rest).slice(0, -1)},"revision":`
}

export const closeDocument = (open: string, revision: Revision): string => `${open}${revision}}`

const encoder = new TextEncoder()

/** Bytes of the task's document without its revision. */
export const documentSize = (task: NewTask): number => encoder.encode(openDocument(task)).length

const withAllMembers = (document: string): string =>
  JSON.stringify(withAllFields(JSON.parse(document)))

/** The document as it is served now, whenever it was stored. */
const currentDocument = (document: string, format: number): string =>
  format === DOCUMENT_FORMAT ? document : withAllMembers(document)

export const storedTask = (
  document: string,
  format: number,
  version: Version,
  recordedAt: Instant | null,
): StoredTask => ({
  document: parsedLater<Task>(currentDocument(document, format)),
  version,
  recordedAt,
})

/** Between two documents: no document has a line feed within (RFC 8259 section 7). */
export const SEPARATOR = ',\n'

/** `found` may hold one document beyond the limit; `current`: all have the present format. */
export const listOf = (
  found: string,
  count: number,
  current: boolean,
  limit: number | null,
  version: Version,
): TaskList => {
  const more = limit !== null && count > limit
  const joined = current ? found : upToDate(found)
  const shown = more ? joined.slice(0, joined.lastIndexOf(SEPARATOR)) : joined
  return {
    tasks: parsedLater<readonly Task[]>(`[${shown}]`),
    more,
    version,
    get last() {
      return shown === '' ? undefined : JSON.parse(shown.slice(shown.lastIndexOf('\n') + 1))
    },
  }
}

const upToDate = (found: string): string =>
  found.split(SEPARATOR).map(withAllMembers).join(SEPARATOR)

const CHUNK_LENGTH = 65_536

/** A JSON array of the documents, as UTF-8; `open` and `close` are for a part of one. */
export function* chunksOf(
  rows: Iterable<Readonly<{ document: string; format: number }>>,
  open = '[',
  close = ']',
): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  let text = open
  let separator = ''
  for (const { document, format } of rows) {
    text += separator + currentDocument(document, format)
    separator = SEPARATOR
    if (text.length < CHUNK_LENGTH) continue
    yield encoder.encode(text)
    text = ''
  }
  yield encoder.encode(text + close)
}

/** `document` is null for a deletion. */
export type FoundChange = Readonly<{
  revision: Revision
  id: TaskId
  document: string | null
  format: number | null
}>

/** Of a page of the feed, in characters: it is sent as a whole, however slowly its client reads. */
const PAGE_LENGTH = 2 ** 18

/** A page may be shorter than its limit, and then there is more. */
export const feedOf = (
  state: Pick<Feed, 'revision' | 'compactedRevision' | 'timelines'>,
  found: readonly FoundChange[],
  limit: number,
): Feed => {
  const texts = fitting(found.slice(0, limit).map(changeText))
  return {
    ...state,
    changes: parsedLater<readonly Change[]>(`[${texts.join(SEPARATOR)}]`),
    last: found[texts.length - 1]?.revision,
    more: texts.length < found.length,
  }
}

/** At least one. */
const fitting = (texts: string[]): string[] => {
  let length = 0
  const end = texts.findIndex((text, n) => {
    length += text.length
    return n > 0 && length > PAGE_LENGTH
  })
  return end < 0 ? texts : texts.slice(0, end)
}

const changeText = ({ revision, id, document, format }: FoundChange): string =>
  document === null
    ? `{"op":"delete","revision":${revision},"id":"${id}"}`
    : `{"op":"upsert","revision":${revision},"task":${currentDocument(document, format ?? 0)}}`

/** Each change of a feed as JSON, with its revision, without parsing any. */
export const changesOf = (changes: Feed['changes']): { revision: string; text: string }[] => {
  const all = changes.text().slice(1, -1)
  if (all === '') return []
  return all.split(SEPARATOR).map((text) => ({ revision: REVISION.exec(text)?.[1] ?? '', text }))
}

const REVISION = /"revision":([0-9]+)/

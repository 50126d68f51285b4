import type { TaskDraft, TaskId, TaskOrigin, UserId } from '../domain/task.ts'

export const IMPORT_FORMATS = ['json', 'todoist', 'google', 'ics', 'todo.txt', 'csv'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

/**
 * `place` is its line, or its number in formats without lines. `original`: the id of a task that was
 * exported here. The id in `origin` is the same whenever the same owner imports it.
 */
export type SourceTask = Readonly<{
  place: number
  draft: TaskDraft
  origin: TaskOrigin
  original: TaskId | null
}>

/** What was not understood or has no place in a task; `at` has the first 20 places of `count`. */
export type ImportNote = Readonly<{
  field: string
  detail: string
  count: number
  at: readonly number[]
}>

export type ParsedImport = Readonly<{
  tasks: readonly SourceTask[]
  notes: readonly ImportNote[]
}>

/** Throws `invalid` for a file that is not of the format. Drafts may have invalid texts. */
export type ImportReader = (
  owner: UserId,
  format: ImportFormat,
  bytes: Uint8Array,
) => Promise<ParsedImport>

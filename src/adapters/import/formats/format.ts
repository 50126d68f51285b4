import type { TaskDraft } from '../../../domain/task.ts'
import type { Notes } from '../notes.ts'

/** `key` identifies a task of the source; `id` is that of a task which was exported here. */
export type Found = Readonly<{
  key: string
  id?: string | undefined
  /** A line, or the number of the task where a format has no lines. */
  place: number
  draft: TaskDraft
  completed: boolean
  created_at?: string | undefined
  reminded_at?: string | undefined
}>

/** Throws an `Unreadable` that says what to correct. */
export type Parse = (text: string, notes: Notes) => Found[] | Promise<Found[]>

export class Unreadable extends Error {}

export const LEFT_OUT = 'has no place in a task and is left out.'

/** A draft without the members that are undefined. */
export const draftOf = (fields: { title: string } & Record<string, unknown>): TaskDraft =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as TaskDraft

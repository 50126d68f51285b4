import {
  DUE_DATE_HELP,
  type DueDate,
  dueKey,
  INSTANT_HELP,
  type Instant,
  parseDueDate,
  parseInstant,
} from './due-date.ts'
import { type Issue, refuse } from './errors.ts'
import { fold, textProblem } from './text.ts'

/** Opaque text from the identity provider, 1-255 characters, compared byte by byte. */
export type UserId = string

/** A UUIDv7 (RFC 9562) in lower case: later tasks have greater ids. */
export type TaskId = string

/** Counts the committed changes to a user's tasks, from 1, without gaps. */
export type Revision = number

export type Priority = 'low' | 'medium' | 'high'

/** Field names are those of the wire and of the tables, so nothing is renamed on the way. */
export type Task = Readonly<{
  id: TaskId
  user_id: UserId
  title: string
  description: string | null
  completed: boolean
  priority: Priority | null
  due_date: DueDate | null
  /** When to remind of the task, as long as it is open; and when that was done. */
  remind_at: Instant | null
  reminded_at: Instant | null
  created_at: Instant
  updated_at: Instant
  /** The user's revision that the task's last change took. */
  revision: Revision
}>

/** A task that no storage has given a revision yet. */
export type NewTask = Omit<Task, 'revision'>

/** What a user may change. Absent means unchanged, null clears. */
export type TaskPatch = Readonly<{
  title?: string
  description?: string | null
  completed?: boolean
  priority?: Priority | null
  due_date?: string | null
  remind_at?: string | null
}>

/** The canonical form of an id; undefined for a text that is no UUID, which no task can have. */
export const parseTaskId = (text: string): TaskId | undefined =>
  UUID.test(text) ? text.toLowerCase() : undefined

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** What a user gives to create a task, which starts open. */
export type TaskDraft = TaskPatch & Readonly<{ title: string; completed?: false }>

export const TITLE_MAX = 200
export const DESCRIPTION_MAX = 1000

/** Throws `invalid` naming every bad field. */
export const newTask = (id: TaskId, owner: UserId, draft: TaskDraft, now: Instant): NewTask => {
  const {
    title,
    description = null,
    priority = null,
    due_date = null,
    remind_at = null,
  } = cleaned(draft)
  return {
    id,
    user_id: owner,
    title: title ?? draft.title,
    description,
    completed: false,
    priority,
    due_date,
    remind_at,
    reminded_at: null,
    created_at: now,
    updated_at: now,
  }
}

/**
 * The very same task when the patch changes nothing. Another time to be reminded at has not been
 * reminded of yet. Throws `invalid` naming every bad field.
 */
export const editTask = (task: Task, patch: TaskPatch, now: Instant): Task => {
  const edited: Task = { ...task, ...cleaned(patch), updated_at: now }
  if (CHANGEABLE.every((field) => edited[field] === task[field])) return task
  return edited.remind_at === task.remind_at ? edited : { ...edited, reminded_at: null }
}

/** The very same task when it already is in that state. */
export const setCompleted = (task: Task, completed: boolean, now: Instant): Task =>
  editTask(task, { completed }, now)

const CHANGEABLE = [
  'title',
  'description',
  'completed',
  'priority',
  'due_date',
  'remind_at',
] as const

const cleaned = (patch: TaskPatch): TaskPatch => {
  const { title, description, completed, priority, due_date, remind_at } = patch
  const trimmed = title?.trim()
  const due = typeof due_date === 'string' ? parseDueDate(due_date) : due_date
  const remind = typeof remind_at === 'string' ? parseInstant(remind_at) : remind_at
  const problems: [field: string, detail: string | undefined][] = [
    ['title', trimmed === undefined ? undefined : textProblem(trimmed, 1, TITLE_MAX)],
    ['description', description ? textProblem(description, 0, DESCRIPTION_MAX) : undefined],
    ['due_date', due_date !== undefined && due === undefined ? DUE_DATE_HELP : undefined],
    ['remind_at', remind_at !== undefined && remind === undefined ? INSTANT_HELP : undefined],
  ]
  refuse(
    problems.flatMap(([field, detail]): Issue[] =>
      detail === undefined ? [] : [{ field, detail }],
    ),
  )
  return {
    ...(trimmed !== undefined && { title: trimmed }),
    ...(description !== undefined && { description }),
    ...(completed !== undefined && { completed }),
    ...(priority !== undefined && { priority }),
    ...(due !== undefined && { due_date: due }),
    ...(remind !== undefined && { remind_at: remind }),
  }
}

/** Whether it is time to remind of the task: it is open, its time has come, nobody was reminded yet. */
export const isDueToRemind = ({ completed, remind_at, reminded_at }: Task, now: Instant): boolean =>
  !completed && remind_at !== null && reminded_at === null && remind_at <= now

/** What titles sort by: the folded title, cut so that every storage can index it. */
export const titleKey = ({ title }: Pick<Task, 'title'>): string => {
  const key = fold(title)
  return key.length <= TITLE_MAX ? key : [...key].slice(0, TITLE_MAX).join('')
}

/** What `q` is looked for in. No folded text holds a line break, so none matches across the two. */
export const searchText = ({ title, description }: Pick<Task, 'title' | 'description'>): string =>
  `${fold(title)}\n${fold(description ?? '')}`

/** What due dates sort by; null without one. */
export const taskDueKey = ({ due_date }: Pick<Task, 'due_date'>): string | null =>
  due_date === null ? null : dueKey(due_date)

/** What a storage keeps beside a task to sort and search by. */
export const taskKeys = (task: Pick<Task, 'title' | 'description' | 'due_date'>) => ({
  title_key: titleKey(task),
  due_key: taskDueKey(task),
  search_text: searchText(task),
})

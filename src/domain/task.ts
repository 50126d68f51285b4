import {
  DUE_DATE_HELP,
  type DueDate,
  dueKey,
  INSTANT_HELP,
  type Instant,
  instantProblem,
  parseDueDate,
  parseInstant,
} from './due-date.ts'
import { type Issue, throwIfInvalid } from './errors.ts'
import { fold, textProblem } from './text.ts'

/** Opaque text from the identity provider, 1-255 characters, compared byte by byte. */
export type UserId = string

/** A UUIDv7 (RFC 9562) in lower case: later tasks have greater ids. */
export type TaskId = string

/** Counts the committed changes to a user's tasks, from 1, without gaps. */
export type Revision = number

export const PRIORITIES = ['low', 'medium', 'high'] as const
export type Priority = (typeof PRIORITIES)[number]

export const TITLE_MAX = 200
export const DESCRIPTION_MAX = 1000

type Cleaned<Value> = Readonly<{ value: Value } | { problem: string }>

/** `initial` is also the value in tasks that were stored before the field existed. */
type Field<Value> = Readonly<{ initial: Value; clean(value: Value): Cleaned<Value> }>

const field = <Value>(
  initial: Value,
  clean: (value: Value) => Cleaned<Value> = (value) => ({ value }),
): Field<Value> => ({ initial, clean })

const nullable = <Value>(clean: (value: Value) => Cleaned<Value>): Field<Value | null> =>
  field<Value | null>(null, (value) => (value === null ? { value } : clean(value)))

const text =
  (min: number, max: number, prepare = (value: string) => value) =>
  (given: string): Cleaned<string> => {
    const value = prepare(given)
    const problem = textProblem(value, min, max)
    return problem === undefined ? { value } : { problem }
  }

const parsed =
  <Value>(parse: (text: string) => Value | undefined, help: string) =>
  (given: string): Cleaned<Value> => {
    const value = parse(given)
    return value === undefined ? { problem: instantProblem(given, help) } : { value }
  }

/** In the order in which they are served. */
export const TASK_FIELDS = {
  title: field(
    '',
    text(1, TITLE_MAX, (value) => value.trim()),
  ),
  description: nullable(text(0, DESCRIPTION_MAX)),
  completed: field<boolean>(false),
  priority: field<Priority | null>(null),
  due_date: nullable<DueDate>(parsed(parseDueDate, DUE_DATE_HELP)),
  remind_at: nullable<Instant>(parsed(parseInstant, INSTANT_HELP)),
}

type Fields = {
  [Name in keyof typeof TASK_FIELDS]: (typeof TASK_FIELDS)[Name]['initial']
}

const NAMES = Object.keys(TASK_FIELDS) as (keyof Fields)[]

/** Field names are those of the wire. */
export type Task = Readonly<
  { id: TaskId; user_id: UserId } & Fields & {
      reminded_at: Instant | null
      created_at: Instant
      updated_at: Instant
      revision: Revision
    }
>

export type NewTask = Omit<Task, 'revision'>

/** Absent means unchanged, null clears. */
export type TaskPatch = Readonly<Partial<Fields>>

export type TaskDraft = TaskPatch & Readonly<{ title: string; completed?: false }>

/** In lower case; undefined for a text that is no UUID, which no task can have. */
export const parseTaskId = (text: string): TaskId | undefined =>
  UUID.test(text) ? text.toLowerCase() : undefined

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const INITIAL = Object.fromEntries(
  NAMES.map((name) => [name, TASK_FIELDS[name].initial]),
) as unknown as Fields

const cleaned = (patch: TaskPatch): { fields: Partial<Fields>; issues: Issue[] } => {
  const fields: Record<string, unknown> = {}
  const issues: Issue[] = []
  for (const name of NAMES) {
    if (patch[name] === undefined) continue
    const { clean } = TASK_FIELDS[name] as Field<unknown>
    const result = clean(patch[name])
    if ('problem' in result) issues.push({ field: name, detail: result.problem })
    else fields[name] = result.value
  }
  return { fields, issues }
}

export const taskIssues = (patch: TaskPatch): Issue[] => cleaned(patch).issues

const cleanedOrThrow = (patch: TaskPatch): Partial<Fields> => {
  const { fields, issues } = cleaned(patch)
  throwIfInvalid(issues)
  return fields
}

/** What an import knows of a task besides its draft; null where it knows nothing. */
export type TaskOrigin = Readonly<{
  id: TaskId
  completed: boolean
  created_at: Instant | null
  reminded_at: Instant | null
}>

/** Throws `invalid` naming every bad field. */
export const newTask = (
  id: TaskId,
  owner: UserId,
  draft: TaskDraft,
  now: Instant,
  origin?: TaskOrigin,
): NewTask => ({
  id,
  user_id: owner,
  ...INITIAL,
  ...cleanedOrThrow(draft),
  completed: origin?.completed ?? false,
  reminded_at: origin?.reminded_at ?? null,
  created_at: origin?.created_at ?? now,
  updated_at: now,
})

/** Adds the fields that did not exist when it was stored; unknown members are kept. */
export const withAllFields = (stored: Task): Task => {
  const { id, user_id, reminded_at, created_at, updated_at, revision, ...fields } = stored
  const times = { reminded_at, created_at, updated_at }
  return { id, user_id, ...INITIAL, ...fields, ...times, revision }
}

/** The very same task when nothing changes. Throws `invalid` naming every bad field. */
export const editTask = (task: Task, patch: TaskPatch, now: Instant): Task => {
  const edited: Task = { ...task, ...cleanedOrThrow(patch), updated_at: now }
  if (NAMES.every((name) => edited[name] === task[name])) return task
  return edited.remind_at === task.remind_at ? edited : { ...edited, reminded_at: null }
}

export const setCompleted = (task: Task, completed: boolean, now: Instant): Task =>
  editTask(task, { completed }, now)

/** The very same task when no reminder is due. */
export const remind = (task: Task, now: Instant): Task =>
  isDueToRemind(task, now) ? { ...task, reminded_at: now, updated_at: now } : task

/** Null when there is no reminder left to send. */
export const reminderTime = ({
  completed,
  remind_at,
  reminded_at,
}: Pick<Task, 'completed' | 'remind_at' | 'reminded_at'>): Instant | null =>
  completed || reminded_at !== null ? null : remind_at

export const isDueToRemind = (task: Task, now: Instant): boolean => {
  const time = reminderTime(task)
  return time !== null && time <= now
}

/** Folded, and cut so that every storage can index it. */
export const titleKey = ({ title }: Pick<Task, 'title'>): string => {
  const key = fold(title)
  return key.length <= TITLE_MAX ? key : [...key].slice(0, TITLE_MAX).join('')
}

/** No folded text holds a line break, so no search matches across the two. */
export const searchText = ({ title, description }: Pick<Task, 'title' | 'description'>): string =>
  `${fold(title)}\n${fold(description ?? '')}`

/** Sorts after every due date. */
export const NO_DUE_DATE = '~'

export const taskDueKey = ({ due_date }: Pick<Task, 'due_date'>): string =>
  due_date === null ? NO_DUE_DATE : dueKey(due_date)

/** Only what is sorted, filtered or found by. */
export type TaskKeys = Readonly<{
  completed: boolean
  priority: Priority | null
  title_key: string
  due_key: string
  search_text: string
  remind_key: Instant | null
}>

export const taskKeys = (task: NewTask): TaskKeys => ({
  completed: task.completed,
  priority: task.priority,
  title_key: titleKey(task),
  due_key: taskDueKey(task),
  search_text: searchText(task),
  remind_key: reminderTime(task),
})

import { TASK_FIELDS } from '../../../domain/task.ts'
import { draftOf, type Found, LEFT_OUT, type Parse, Unreadable } from './format.ts'

type Json = Record<string, unknown>

const SERVER_FIELDS = new Set([
  'id',
  'user_id',
  'reminded_at',
  'created_at',
  'updated_at',
  'revision',
])

/** The lines of an export, or an array of tasks. */
export const parseJson: Parse = (text, notes) => {
  const found: Found[] = []
  for (const [value, place] of text.trimStart().startsWith('[') ? elements(text) : lines(text)) {
    const { type = 'task', ...rest } = value
    if (type === 'export' || type === 'end') continue
    const task = isObject(rest['task']) ? rest['task'] : rest
    if (type === 'webhook') {
      notes.add('webhook', 'is not imported: create it again, for its secret is new.', place)
    } else if (type !== 'task') notes.add(String(type), LEFT_OUT, place)
    else found.push(taskOf(task, place, (field) => notes.add(field, LEFT_OUT, place)))
  }
  return found
}

const elements = (text: string): [Json, number][] =>
  (parse(text, 1) as unknown[]).map((value, n) => [objectOf(value, n + 1), n + 1])

const lines = (text: string): [Json, number][] => {
  const all = text
    .split('\n')
    .map((line, n) => [line, n + 1] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, place]): [Json, number] => [objectOf(parse(line, place), place), place])
  const [first] = all
  if (first?.[0]['type'] === 'export' && all.at(-1)?.[0]['type'] !== 'end') {
    throw new Unreadable('The file is not whole: its last line must have the type "end".')
  }
  return all
}

const parse = (text: string, place: number): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unreadable(
      `Line ${place} is not valid JSON. Correct its syntax, or name the format of the file in the query, such as format=csv.`,
    )
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const objectOf = (value: unknown, place: number): Json => {
  if (isObject(value)) return value
  throw new Unreadable(`Line ${place} must be a JSON object.`)
}

const taskOf = (task: Json, place: number, leaveOut: (field: string) => void): Found => {
  const { completed = false, ...given } = task
  const text = (field: string): string | undefined => {
    const value = given[field]
    if (value === undefined || value === null || typeof value === 'string')
      return value ?? undefined
    throw new Unreadable(`Line ${place}: ${field} must be a string or null.`)
  }
  if (typeof completed !== 'boolean') {
    throw new Unreadable(`Line ${place}: completed must be true or false.`)
  }
  for (const field of Object.keys(given)) {
    if (!Object.hasOwn(TASK_FIELDS, field) && !SERVER_FIELDS.has(field)) leaveOut(field)
  }
  const names = Object.keys(TASK_FIELDS).filter((name) => name !== 'completed')
  const fields = Object.fromEntries(names.map((name) => [name, text(name)]))
  const id = text('id')
  return {
    key: id ?? JSON.stringify(fields),
    id,
    place,
    draft: draftOf({ ...fields, title: text('title') ?? '' }),
    completed,
    created_at: text('created_at'),
    reminded_at: text('reminded_at'),
  }
}

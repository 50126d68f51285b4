import { parseDueDate } from '../../../domain/due-date.ts'
import type { Notes } from '../notes.ts'
import { draftOf, type Found, LEFT_OUT, type Parse, Unreadable } from './format.ts'

type Item = Readonly<Record<string, unknown>>

const USED = new Set(['id', 'title', 'notes', 'status', 'due', 'created', 'deleted', 'items'])
const IGNORED = new Set([
  'kind',
  'etag',
  'selfLink',
  'updated',
  'hidden',
  'position',
  'task_type',
  'webViewLink',
])
const REASONS: Readonly<Record<string, string>> = {
  parent: 'is left out: a subtask becomes a task.',
  completed: 'is left out: the time of completion has no place.',
}

/** `Tasks.json` of Google Takeout, or a list as the API returns it. */
export const parseGoogle: Parse = (text, notes) => {
  const items = itemsOf(read(text))
  const lists = items.filter((item) => Array.isArray(item['items']))
  const nested = lists.flatMap((list, n) => {
    notes.add('list', 'is left out: its tasks are imported without it.', n + 1)
    return itemsOf(list)
  })
  const single = items.filter((item) => !Array.isArray(item['items']) && !isList(item))
  return [...nested, ...single].flatMap((item, n) => taskOf(item, n + 1, notes))
}

const read = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unreadable(
      'The file is not valid JSON. Use Tasks.json as exported by Google Takeout.',
    )
  }
}

const isList = ({ kind }: Item): boolean => kind === 'tasks#taskList' || kind === 'tasks#tasks'

const itemsOf = (value: unknown): Item[] => {
  const items = (value as { items?: unknown } | null)?.items
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'object' && item !== null)) {
    throw new Unreadable('The file must have items, as Tasks.json of Google Takeout has.')
  }
  return items
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const taskOf = (item: Item, place: number, notes: Notes): Found[] => {
  const title = textOf(item['title'])
  if (item['deleted'] === true || title.trim() === '') {
    notes.add('task', 'is left out: it is deleted or has no title.', place)
    return []
  }
  for (const [name, value] of Object.entries(item)) {
    if (USED.has(name) || IGNORED.has(name) || isEmpty(value)) continue
    notes.add(name, REASONS[name] ?? LEFT_OUT, place)
  }
  // Midnight UTC stands for the date.
  const due = textOf(item['due']).slice(0, 10)
  const date = parseDueDate(due)
  if (due !== '' && date === undefined) notes.add('due', 'is not understood.', place)
  return [
    {
      key: textOf(item['id']) || JSON.stringify(item),
      place,
      draft: draftOf({ title, description: textOf(item['notes']) || undefined, due_date: date }),
      completed: item['status'] === 'completed',
      created_at: textOf(item['created']),
    },
  ]
}

const isEmpty = (value: unknown): boolean =>
  value === '' || value === null || value === false || (Array.isArray(value) && value.length === 0)

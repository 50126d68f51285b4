import type ICAL from 'ical.js'
import { parseDueDate } from '../../../domain/due-date.ts'
import type { Notes } from '../notes.ts'
import { draftOf, type Found, LEFT_OUT, type Parse, Unreadable } from './format.ts'

const USED = new Set([
  'uid',
  'recurrence-id',
  'summary',
  'description',
  'due',
  'status',
  'priority',
  'created',
])
const IGNORED = new Set([
  'dtstamp',
  'last-modified',
  'sequence',
  'class',
  'percent-complete',
  'completed',
])

/** RFC 5545 section 3.8.1.9: 1 to 4 are high, 5 is medium, 6 to 9 are low. */
const priorityOf = (value: number): 'high' | 'medium' | 'low' | undefined =>
  value === 0 ? undefined : value < 5 ? 'high' : value === 5 ? 'medium' : 'low'

/** The to-dos (VTODO) of an iCalendar file (RFC 5545). */
export const parseIcs: Parse = async (text, notes) => {
  const { default: library } = await import('ical.js')
  const calendars = read(text, library)
  const parts = calendars.flatMap((calendar) => calendar.getAllSubcomponents())
  const found: Found[] = []
  for (const [n, part] of parts.entries()) {
    if (part.name === 'vtodo') found.push(...taskOf(part, n + 1, notes))
    else if (part.name !== 'vtimezone') notes.add(part.name.toUpperCase(), LEFT_OUT, n + 1)
  }
  return found
}

const read = (text: string, library: typeof ICAL): ICAL.Component[] => {
  try {
    const parsed = library.parse(text)
    const all = typeof parsed[0] === 'string' ? [parsed] : parsed
    return (all as unknown[][]).map((each) => new library.Component(each as never))
  } catch {
    throw new Unreadable('The file is not a valid iCalendar file (RFC 5545).')
  }
}

const taskOf = (todo: ICAL.Component, place: number, notes: Notes): Found[] => {
  const text = (name: string): string => String(todo.getFirstPropertyValue(name) ?? '')
  const title = text('summary')
  if (title.trim() === '') {
    notes.add('VTODO', 'is left out: it has no SUMMARY.', place)
    return []
  }
  for (const { name } of todo.getAllProperties()) {
    if (!USED.has(name) && !IGNORED.has(name)) notes.add(name.toUpperCase(), LEFT_OUT, place)
  }
  for (const { name } of todo.getAllSubcomponents()) notes.add(name.toUpperCase(), LEFT_OUT, place)
  const status = text('status').toUpperCase()
  if (status === 'CANCELLED') notes.add('STATUS', 'CANCELLED becomes an open task.', place)
  const created = todo.getFirstPropertyValue('created') as ICAL.Time | null
  const uid = text('uid')
  return [
    {
      key: uid ? `${uid} ${text('recurrence-id')}` : todo.toString(),
      place,
      draft: draftOf({
        title,
        description: text('description') || undefined,
        priority: priorityOf(Number(text('priority')) || 0),
        due_date: dueOf(todo, place, notes),
      }),
      completed: status === 'COMPLETED' || todo.hasProperty('completed'),
      created_at: created ? created.toJSDate().toISOString() : undefined,
    },
  ]
}

const dueOf = (todo: ICAL.Component, place: number, notes: Notes): string | undefined => {
  const due = todo.getFirstPropertyValue('due') as ICAL.Time | null
  if (!due) return undefined
  const day = due.toString().slice(0, 10)
  if (due.isDate) return parseDueDate(day)
  if (due.zone?.tzid === 'floating') {
    notes.add('DUE', 'has no time zone: the date is kept, the time left out.', place)
    return parseDueDate(day)
  }
  return parseDueDate(due.toJSDate().toISOString())
}

import { dueDateOf } from '../dates.ts'
import type { Notes } from '../notes.ts'
import { draftOf, type Found, LEFT_OUT, type Parse, Unreadable } from './format.ts'
import { readTable, type TableRow } from './table.ts'

/** In the file 1 is the highest; 4 is none. */
const PRIORITIES: Readonly<Record<string, 'high' | 'medium' | 'low'>> = {
  '1': 'high',
  '2': 'medium',
  '3': 'low',
}

const USED = new Set(['type', 'content', 'description', 'priority', 'date', 'timezone'])

/** About the file, or about other columns. */
const IGNORED = new Set(['date_lang', 'deadline_lang', 'author', 'is_collapsed', 'view_style'])

const NOT_TASKS: Readonly<Record<string, string>> = {
  section: 'is left out: there are no sections.',
  note: 'is left out: there are no comments.',
}

/** The CSV of one project. */
export const parseTodoist: Parse = async (text, notes) => {
  const rows = await readTable(text)
  if (!rows.every(({ cells }) => 'type' in cells && 'content' in cells)) {
    throw new Unreadable('The file must have the columns TYPE and CONTENT, as exported by Todoist.')
  }
  return rows.flatMap((row) => {
    const type = row.cells['type'] ?? ''
    if (type === 'task') return [taskOf(row, notes)]
    if (type !== '' && type !== 'meta') notes.add(type, NOT_TASKS[type] ?? LEFT_OUT, row.place)
    return []
  })
}

const taskOf = ({ cells, place }: TableRow, notes: Notes): Found => {
  const { content = '', description = '', priority = '', date = '', timezone, indent } = cells
  const due = dueDateOf(date, timezone)
  if (date !== '' && due === undefined) {
    notes.add('DATE', 'is not understood: no due date is set.', place)
  }
  if (/(^|\s)@\S/.test(content)) notes.add('labels', 'stay in the title.', place)
  if (indent !== undefined && indent !== '' && indent !== '1') {
    notes.add('INDENT', 'is left out: a subtask becomes a task.', place)
  }
  for (const [name, cell] of Object.entries(cells)) {
    if (cell === '' || name === 'indent' || USED.has(name) || IGNORED.has(name)) continue
    if (name === 'duration' && cell === 'None') continue
    if (name === 'duration_unit' && cell === 'None') continue
    notes.add(name.toUpperCase(), LEFT_OUT, place)
  }
  return {
    key: JSON.stringify(cells),
    place,
    draft: draftOf({
      title: content,
      description: description || undefined,
      priority: PRIORITIES[priority],
      due_date: due,
    }),
    completed: false,
  }
}

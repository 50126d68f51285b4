import { PRIORITIES } from '../../../domain/task.ts'
import { dueDateOf } from '../dates.ts'
import type { Notes } from '../notes.ts'
import { draftOf, type Found, LEFT_OUT, type Parse, Unreadable } from './format.ts'
import { readTable, type TableRow } from './table.ts'

const COLUMNS: Readonly<Record<string, string>> = {
  title: 'title',
  name: 'title',
  task: 'title',
  summary: 'title',
  subject: 'title',
  description: 'description',
  notes: 'description',
  completed: 'completed',
  done: 'completed',
  status: 'completed',
  priority: 'priority',
  due_date: 'due_date',
  'due date': 'due_date',
  due: 'due_date',
  remind_at: 'remind_at',
  reminded_at: 'reminded_at',
  created_at: 'created_at',
  id: 'id',
}

/** Made by the server. */
const IGNORED = new Set(['user_id', 'updated_at', 'revision'])

const YES = new Set(['true', '1', 'yes', 'x', 'done', 'completed'])
const NO = new Set(['', 'false', '0', 'no', 'open', 'pending'])

/** The quote before what a spreadsheet would take for a formula, as the export writes it. */
const unquoted = (cell: string): string => (/^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell)

/** Columns by name, in any order. */
export const parseCsv: Parse = async (text, notes) => {
  const rows = await readTable(text)
  const known = rows.every(({ cells }) =>
    Object.keys(cells).some((name) => COLUMNS[name] === 'title'),
  )
  if (!known) throw new Unreadable('The first line must name the columns, and one must be title.')
  return rows.map((row) => taskOf(row, notes))
}

const taskOf = ({ cells, place }: TableRow, notes: Notes): Found => {
  const fields: Record<string, string> = {}
  for (const [name, cell] of Object.entries(cells)) {
    const field = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined
    if (field) fields[field] ??= unquoted(cell)
    else if (!IGNORED.has(name) && cell !== '') notes.add(name, LEFT_OUT, place)
  }
  const { title = '', description, id, created_at, reminded_at } = fields
  const understood = <Value>(name: string, value: Value | undefined): Value | undefined => {
    if (fields[name] && value === undefined) notes.add(name, 'is not understood.', place)
    return value
  }
  const priority = PRIORITIES.find((each) => each === fields['priority']?.toLowerCase())
  const done = (fields['completed'] ?? '').trim().toLowerCase()
  if (!YES.has(done) && !NO.has(done)) notes.add('completed', 'is not understood.', place)
  return {
    key: id || JSON.stringify(cells),
    id: id || undefined,
    place,
    draft: draftOf({
      title,
      description: description || undefined,
      priority: understood('priority', priority),
      due_date: understood('due_date', dueDateOf(fields['due_date'] ?? '')),
      remind_at: fields['remind_at'] || undefined,
    }),
    completed: YES.has(done),
    created_at,
    reminded_at,
  }
}

import { parseDueDate } from '../../../domain/due-date.ts'
import type { Notes } from '../notes.ts'
import { draftOf, type Found, type Parse } from './format.ts'

const LINE = /^(x )?(?:\(([A-Z])\) )?(?:(\d{4}-\d\d-\d\d) )?(?:(\d{4}-\d\d-\d\d) )?(.*)$/

const PRIORITIES: Readonly<Record<string, 'high' | 'medium' | 'low'>> = {
  A: 'high',
  B: 'medium',
  C: 'low',
}

/** github.com/todotxt/todo.txt; `due:` and `pri:` are conventions of its programs. */
export const parseTodoTxt: Parse = (text, notes) =>
  text
    .split(/\r?\n/)
    .map((line, n) => [line.trim(), n + 1] as const)
    .filter(([line]) => line !== '')
    .map(([line, place]) => taskOf(line, place, notes))

const taskOf = (line: string, place: number, notes: Notes): Found => {
  const [, done, given, first, second, rest = ''] = LINE.exec(line) ?? []
  const created = done ? second : first
  if (done && first) notes.add('completion date', 'is left out.', place)
  if (!done && second) notes.add('second date', 'is left out.', place)
  const words = rest.split(' ')
  const tagged = (tag: string): string | undefined =>
    words.find((word) => word.startsWith(`${tag}:`))?.slice(tag.length + 1)
  const due = tagged('due')
  const date = due === undefined ? undefined : parseDueDate(due)
  if (due !== undefined && date === undefined) notes.add('due', 'is not understood.', place)
  const letter = given ?? tagged('pri')
  if (letter && !PRIORITIES[letter]) notes.add('priority', 'below C becomes low.', place)
  const used = (word: string): boolean =>
    (date !== undefined && word === `due:${due}`) ||
    (letter !== undefined && word === `pri:${letter}`)
  const title = words.filter((word) => !used(word)).join(' ')
  if (/(^|\s)[+@]\S/.test(title)) notes.add('projects and contexts', 'stay in the title.', place)
  if (/(^|\s)[^\s:/]+:[^\s/]/.test(title)) notes.add('key:value', 'stays in the title.', place)
  return {
    key: line,
    place,
    draft: draftOf({
      title,
      due_date: date,
      priority: letter && (PRIORITIES[letter] ?? 'low'),
    }),
    completed: done !== undefined,
    created_at: created && `${created}T00:00:00Z`,
  }
}

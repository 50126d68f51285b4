import type { ImportFormat, ParsedImport, SourceTask } from '../../application/ports.ts'
import { parseInstant } from '../../domain/due-date.ts'
import { parseTaskId, type TaskId, type UserId } from '../../domain/task.ts'
import { type Found, type Parse, Unreadable } from './formats/format.ts'
import { createNotes } from './notes.ts'
import { filesOf } from './unpack.ts'

const PARSERS: Readonly<Record<ImportFormat, () => Promise<Parse>>> = {
  json: async () => (await import('./formats/json.ts')).parseJson,
  csv: async () => (await import('./formats/csv.ts')).parseCsv,
  todoist: async () => (await import('./formats/todoist.ts')).parseTodoist,
  google: async () => (await import('./formats/google.ts')).parseGoogle,
  ics: async () => (await import('./formats/ics.ts')).parseIcs,
  'todo.txt': async () => (await import('./formats/todo-txt.ts')).parseTodoTxt,
}

/** Throws an `Unreadable` that says what to correct. */
export const readImport = async (
  owner: UserId,
  format: ImportFormat,
  bytes: Uint8Array,
): Promise<ParsedImport> => {
  const parse = await PARSERS[format]()
  const notes = createNotes()
  const tasks: SourceTask[] = []
  const seen = new Map<string, number>()
  for (const { name, text } of await filesOf(bytes, format)) {
    for (const found of await parse(text, notes)) {
      const key = JSON.stringify([found.id ? '' : `${format} ${name}`, found.key])
      const count = (seen.get(key) ?? 0) + 1
      seen.set(key, count)
      tasks.push(sourceTask(owner, found, count === 1 ? key : `${key} ${count}`, count))
    }
  }
  if (tasks.length === 0) throw new Unreadable('The file has no tasks.')
  return { tasks, notes: notes.all() }
}

const sourceTask = (owner: UserId, found: Found, key: string, count: number): SourceTask => {
  const { place, draft, completed } = found
  const present = new Date().toISOString()
  const past = (text: string | undefined): string | null => {
    const time = text ? parseInstant(text) : undefined
    return time !== undefined && time <= present ? time : null
  }
  const created_at = past(found.created_at)
  const original = count === 1 ? parseTaskId(found.id ?? '') : undefined
  return {
    place,
    draft,
    original: original ?? null,
    origin: {
      id: idOf(owner, key, created_at ?? EPOCH),
      completed,
      created_at,
      reminded_at: past(found.reminded_at),
    },
  }
}

const EPOCH = '1970-01-01T00:00:00.000Z'

/** A UUIDv7 (RFC 9562 section 5.7) whose random bits are a digest of the owner and the key. */
const idOf = (owner: UserId, key: string, at: string): TaskId => {
  const digest = new Bun.CryptoHasher('sha256').update(JSON.stringify([owner, key])).digest('hex')
  const time = Date.parse(at).toString(16).padStart(12, '0')
  const variant = ((Number.parseInt(digest[3] as string, 16) & 3) | 8).toString(16)
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${digest.slice(0, 3)}`,
    `${variant}${digest.slice(4, 7)}`,
    digest.slice(7, 19),
  ].join('-')
}

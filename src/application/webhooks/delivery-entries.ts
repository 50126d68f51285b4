import type { Change } from '../../domain/change.ts'
import type { Revision, Task } from '../../domain/task.ts'
import type { Webhook } from '../../domain/webhook.ts'
import type { ChangePage } from '../changes/read-changes.ts'
import type { TaskStore } from '../ports.ts'

/** What one revision has to deliver: a change, a reminder or both. */
export type Entry = Readonly<{ revision: Revision; change?: Change; reminded?: Task }>

/** A reminder keeps its own place in the order, with its task as it is now. */
export const entriesOf = async (
  tasks: TaskStore,
  { user_id, events, position }: Webhook,
  page: ChangePage,
): Promise<Entry[]> => {
  const entries = new Map<Revision, Entry>()
  for (const change of page.changes.value()) {
    entries.set(change.revision, { revision: change.revision, change })
  }
  const reminders = events.includes('task.reminder')
    ? await tasks.remindersAfter(user_id, position.revision)
    : {}
  const ids = Object.keys(reminders).filter((id) => (reminders[id] ?? 0) <= page.position.revision)
  for (const { document } of ids.length > 0 ? await tasks.find(user_id, ids) : []) {
    const reminded = document.value()
    const revision = reminders[reminded.id] ?? 0
    entries.set(revision, { ...entries.get(revision), revision, reminded })
  }
  return [...entries.values()].sort((a, b) => a.revision - b.revision)
}

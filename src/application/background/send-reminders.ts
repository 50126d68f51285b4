import type { Instant } from '../../domain/due-date.ts'
import { DomainError } from '../../domain/errors.ts'
import type { UserId } from '../../domain/task.ts'
import { execute, type WritePorts } from '../execute.ts'
import { turn } from '../turn.ts'

/** More in one commit would delay requests: SQLite works in the thread of the event loop. */
const BATCH_SIZE = 40

/** Each reminder is a change of its task. Returns when the next is due, undefined without one. */
export const sendReminders = (ports: WritePorts) => async (): Promise<Instant | undefined> => {
  for (;;) {
    const at = ports.now()
    const reminders = await ports.tasks.reminders(BATCH_SIZE)
    const due = reminders.filter((reminder) => reminder.at <= at)
    let sent = 0
    for (const [owner, own] of Map.groupBy(due, (reminder) => reminder.owner)) {
      const ids = own.map(({ id }) => id)
      await turn()
      sent += await remindOwner(ports, owner, ids)
    }
    if (sent === 0) return reminders[due.length]?.at
  }
}

/** How many were sent: tasks may have been changed or deleted since they were found. */
const remindOwner = async (ports: WritePorts, owner: UserId, ids: string[]): Promise<number> => {
  const operations = ids.map((id) => ({ op: 'remind', id, precondition: 'any' }) as const)
  try {
    const { changes } = await execute(ports, owner, operations)
    return changes.filter(({ change }) => change.op === 'upsert' && change.task.reminded_at).length
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error
    if (ids.length === 1) return 0
    let sent = 0
    for (const id of ids) sent += await remindOwner(ports, owner, [id])
    return sent
  }
}

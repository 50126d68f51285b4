import type { TaskStore } from '../../application/ports.ts'
import { reminderTime } from '../../domain/task.ts'
import type { State } from './state.ts'

export const reminders = ({ owners }: State): Pick<TaskStore, 'reminders'> => ({
  reminders: async (limit) =>
    [...owners]
      .flatMap(([owner, { tasks }]) =>
        [...tasks.values()].flatMap(({ task }) => {
          const at = reminderTime(task)
          return at === null ? [] : [{ owner, id: task.id, at }]
        }),
      )
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .slice(0, limit),
})

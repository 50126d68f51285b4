import { changeSignal } from './change-signal.ts'
import { changeTasks } from './change-tasks.ts'
import { completeTask } from './complete-task.ts'
import { createTask } from './create-task.ts'
import { deleteAccount } from './delete-account.ts'
import { deleteTask } from './delete-task.ts'
import { filterTasks } from './filter-tasks.ts'
import { followChanges } from './follow-changes.ts'
import { forgetOld } from './forget-old.ts'
import { getTask } from './get-task.ts'
import { listChanges } from './list-changes.ts'
import { lookForChanges } from './look-for-changes.ts'
import type { Ports } from './ports.ts'
import { remindDue } from './remind-due.ts'
import { updateTask } from './update-task.ts'

/** Every use case, its ports filled in: all that a driving adapter sees. */
export const createApp = (given: Ports, { taskQuota = 10_000 } = {}) => {
  const signal = changeSignal()
  const ports = { ...given, tell: signal.tell }
  return {
    createTask: createTask(ports, taskQuota),
    filterTasks: filterTasks(ports),
    getTask: getTask(ports),
    updateTask: updateTask(ports),
    completeTask: completeTask(ports),
    deleteTask: deleteTask(ports),
    changeTasks: changeTasks(ports, taskQuota),
    listChanges: listChanges(ports),
    followChanges: followChanges(ports, signal),
    lookForChanges: lookForChanges(ports, signal),
    remindDue: remindDue(ports),
    forgetOld: forgetOld(ports),
    deleteAccount: deleteAccount(ports),
    checkReady: () => ports.tasks.ready(),
  }
}

export type App = ReturnType<typeof createApp>

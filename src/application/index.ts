import { changeSignal } from './change-signal.ts'
import { changeTasks } from './change-tasks.ts'
import { pingWebhook, replayWebhook, rotateSecret } from './change-webhook.ts'
import { completeTask } from './complete-task.ts'
import { createTask } from './create-task.ts'
import { createWebhook } from './create-webhook.ts'
import { deleteAccount } from './delete-account.ts'
import { deleteTask } from './delete-task.ts'
import { filterTasks } from './filter-tasks.ts'
import { followChanges } from './follow-changes.ts'
import { getTask } from './get-task.ts'
import { listChanges } from './list-changes.ts'
import { lookForChanges } from './look-for-changes.ts'
import type { Ports } from './ports.ts'
import { deleteWebhook, getWebhook, listWebhooks } from './read-webhooks.ts'
import { remindDue } from './remind-due.ts'
import { runJob, wakeWebhooks } from './run-job.ts'
import { updateTask } from './update-task.ts'

export type AppOptions = Readonly<{
  /** Tasks that one user may have. */
  taskQuota?: number
}>

/** Every use case, its ports filled in: all that a driving adapter sees. */
export const createApp = (given: Ports, { taskQuota = 10_000 }: AppOptions = {}) => {
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
    createWebhook: createWebhook(ports),
    listWebhooks: listWebhooks(ports),
    getWebhook: getWebhook(ports),
    deleteWebhook: deleteWebhook(ports),
    rotateSecret: rotateSecret(ports),
    replayWebhook: replayWebhook(ports),
    pingWebhook: pingWebhook(ports),
    wakeWebhooks: wakeWebhooks(ports),
    runJob: runJob(ports),
    remindDue: remindDue(ports),
    deleteAccount: deleteAccount(ports),
    checkReady: () => ports.tasks.ready(),
  }
}

export type App = ReturnType<typeof createApp>

import { type TokenFields, tokenIssues } from '../domain/token.ts'
import { type WebhookFields, webhookIssues } from '../domain/webhook.ts'
import { deleteAccount } from './accounts/delete-account.ts'
import { checkReady } from './background/check-ready.ts'
import { enqueueDeliveries } from './background/enqueue-deliveries.ts'
import { measureLag } from './background/measure-lag.ts'
import { purgeExpired } from './background/purge-expired.ts'
import { runJob } from './background/run-job.ts'
import { sendReminders } from './background/send-reminders.ts'
import { admitRequest } from './budgets/admit-request.ts'
import { changeSignal } from './changes/change-signal.ts'
import { followChanges } from './changes/follow-changes.ts'
import { listChanges } from './changes/list-changes.ts'
import { pollRevisions } from './changes/poll-revisions.ts'
import type { Ports } from './ports.ts'
import { changeTasks } from './tasks/change-tasks.ts'
import { completeTask } from './tasks/complete-task.ts'
import { createTask } from './tasks/create-task.ts'
import { deleteTask } from './tasks/delete-task.ts'
import { filterTasks } from './tasks/filter-tasks.ts'
import { getTask } from './tasks/get-task.ts'
import { updateTask } from './tasks/update-task.ts'
import { authenticateToken } from './tokens/authenticate-token.ts'
import { createToken } from './tokens/create-token.ts'
import { listTokens } from './tokens/list-tokens.ts'
import { revokeToken } from './tokens/revoke-token.ts'
import { noteTokenUses, tokenUses } from './tokens/token-uses.ts'
import { importTasks } from './transfer/import-tasks.ts'
import { createWebhook } from './webhooks/create-webhook.ts'
import { deleteWebhook } from './webhooks/delete-webhook.ts'
import { getWebhook } from './webhooks/get-webhook.ts'
import { listWebhooks } from './webhooks/list-webhooks.ts'
import { pingWebhook } from './webhooks/ping-webhook.ts'
import { replayWebhook } from './webhooks/replay-webhook.ts'
import { rotateSecret } from './webhooks/rotate-secret.ts'

export type AppOptions = Readonly<{
  taskQuota?: number
  /** Megabytes of tasks. */
  storageQuota?: number
}>

export const createApp = (
  given: Ports,
  { taskQuota = 10_000, storageQuota = 20 }: AppOptions = {},
) => {
  const signal = changeSignal()
  const uses = tokenUses()
  const quota = { tasks: taskQuota, bytes: storageQuota * 1_000_000 }
  const ports = { ...given, notify: signal.notify, quota }
  return {
    admitRequest: admitRequest(ports),
    createTask: createTask(ports),
    filterTasks: filterTasks(ports),
    getTask: getTask(ports),
    updateTask: updateTask(ports),
    completeTask: completeTask(ports),
    deleteTask: deleteTask(ports),
    changeTasks: changeTasks(ports),
    listChanges: listChanges(ports),
    followChanges: followChanges(ports, signal),
    pollRevisions: pollRevisions(ports, signal),
    webhookIssues: (fields: WebhookFields) => webhookIssues(fields, ports.urlProblem),
    createWebhook: createWebhook(ports),
    listWebhooks: listWebhooks(ports),
    getWebhook: getWebhook(ports),
    deleteWebhook: deleteWebhook(ports),
    rotateSecret: rotateSecret(ports),
    replayWebhook: replayWebhook(ports),
    pingWebhook: pingWebhook(ports),
    tokenIssues: (fields: Partial<TokenFields>) => tokenIssues(fields, ports.now()),
    createToken: createToken(ports),
    listTokens: listTokens(ports),
    revokeToken: revokeToken(ports),
    authenticateToken: authenticateToken(ports, uses),
    noteTokenUses: noteTokenUses(ports, uses),
    sendReminders: sendReminders(ports),
    enqueueDeliveries: enqueueDeliveries(ports),
    runJob: runJob(ports),
    purgeExpired: purgeExpired(ports),
    deleteAccount: deleteAccount(ports),
    importTasks: importTasks(ports),
    checkReady: checkReady(ports),
    measureLag: measureLag(ports),
  }
}

export type App = ReturnType<typeof createApp>

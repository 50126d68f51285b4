import { afterAll, beforeAll, describe } from 'bun:test'
import type { TaskStore, TokenStore, WebhookStore } from '../../src/application/ports.ts'
import { accountsContract } from './accounts.ts'
import { agreementContract } from './agreement.ts'
import { changesContract } from './changes.ts'
import { commitsContract } from './commits.ts'
import { idempotencyContract } from './idempotency.ts'
import { longListsContract } from './long-lists.ts'
import { racesContract } from './races.ts'
import { readTasksContract } from './read-tasks.ts'
import { remindersContract } from './reminders.ts'
import { retentionContract } from './retention.ts'
import { tokensContract } from './tokens.ts'
import { webhooksContract } from './webhooks.ts'

export type Storage = Readonly<{
  tasks: TaskStore
  webhooks: WebhookStore
  tokens: TokenStore
  close?(): unknown
}>

/** Part of the contract; `opened` returns the storage once the tests run. */
export type Suite = (opened: () => Storage) => void

/**
 * What every storage must do. `open` returns an empty one; `close` is called when the suite has ended.
 * Run it in a test file of your adapter: `storageContract('mine', () => openMine())`.
 */
export const storageContract = (name: string, open: () => Storage | Promise<Storage>): void => {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage

    beforeAll(async () => {
      storage = await open()
      await storage.tasks.ready()
    })
    afterAll(() => storage?.close?.())

    for (const suite of [
      readTasksContract,
      longListsContract,
      commitsContract,
      racesContract,
      idempotencyContract,
      changesContract,
      remindersContract,
      retentionContract,
      webhooksContract,
      tokensContract,
      accountsContract,
      agreementContract,
    ]) {
      suite(() => storage)
    }
  })
}

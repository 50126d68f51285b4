import type { UserId } from '../../src/domain/task.ts'
import type { Webhook } from '../../src/domain/webhook.ts'
import { countingIds, NOON } from './tasks.ts'

const newId = countingIds()

/** A webhook that is not due. */
export const webhookOf = (owner: UserId, more: Partial<Webhook> = {}): Webhook => ({
  id: newId(NOON),
  user_id: owner,
  url: 'https://hooks.example.com/a?b=c',
  events: ['task.changed', 'task.deleted'],
  secrets: [{ value: 'whsec_AAAA', until: null }],
  created_at: NOON,
  position: { revision: 0, timeline: null, snapshot: null },
  pinged_at: null,
  failures: 0,
  last_attempt_at: null,
  last_error: null,
  failing_since: null,
  disabled: null,
  due_at: null,
  version: 1,
  ...more,
})

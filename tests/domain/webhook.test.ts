import { describe, expect, test } from 'bun:test'
import {
  changeMessage,
  pinged,
  pingMessage,
  pingSent,
  reminderMessage,
} from '../../src/domain/delivery.ts'
import { later } from '../../src/domain/due-date.ts'
import { newTask } from '../../src/domain/task.ts'
import { rotated, signingSecrets, WEBHOOK_EVENTS } from '../../src/domain/webhook.ts'
import { LATER, NOON, uuid } from '../support/tasks.ts'
import { webhookOf } from '../support/webhooks.ts'

const HOUR = 3_600_000

describe('rotated', () => {
  test('the new secret comes first, those before it sign for 24 hours from their rotation', () => {
    const first = rotated(webhookOf('alice'), 'whsec_B', NOON)
    const second = rotated(first, 'whsec_C', later(NOON, HOUR))
    expect(signingSecrets(second, later(NOON, HOUR))).toEqual(['whsec_C', 'whsec_B', 'whsec_AAAA'])
    expect(signingSecrets(second, later(NOON, 24 * HOUR))).toEqual(['whsec_C', 'whsec_B'])
    expect(signingSecrets(second, later(NOON, 25 * HOUR))).toEqual(['whsec_C'])
  })

  test('at most five sign at once, and what no longer signs is not kept', () => {
    let webhook = webhookOf('alice')
    for (let n = 0; n < 9; n++) webhook = rotated(webhook, `whsec_${n}`, NOON)
    expect(signingSecrets(webhook, NOON)).toEqual([8, 7, 6, 5, 4].map((n) => `whsec_${n}`))
    expect(rotated(webhook, 'whsec_X', later(LATER, HOUR)).secrets).toHaveLength(2)
  })
})

describe('messages', () => {
  const webhook = webhookOf('alice', { events: WEBHOOK_EVENTS })
  const task = { ...newTask(uuid(1), 'alice', { title: 'a' }, NOON), revision: 7 }
  const change = { op: 'upsert', revision: 7, task } as const
  const version = { revision: 7, timeline: 'k3f9a' }

  test('are identified by the webhook, the version and the kind, without full stops', () => {
    const id = webhook.id.replaceAll('-', '')
    const data = { revision: 7, task }
    expect(changeMessage(webhook, change, version, NOON)).toEqual([
      { id: `msg_${id}_7_k3f9a_changed`, type: 'task.changed', timestamp: NOON, data },
    ])
    const reminder = { revision: 5, timeline: 'old' }
    expect(reminderMessage(webhook, task, reminder, NOON)).toEqual([
      { id: `msg_${id}_5_old_reminder`, type: 'task.reminder', timestamp: NOON, data },
    ])
    const gone = { op: 'delete', revision: 8, id: task.id } as const
    expect(changeMessage(webhook, gone, { ...version, revision: 8 }, NOON)).toEqual([
      {
        id: `msg_${id}_8_k3f9a_deleted`,
        type: 'task.deleted',
        timestamp: NOON,
        data: { revision: 8, id: task.id },
      },
    ])
  })

  test('are those that were subscribed to', () => {
    const only = { ...webhook, events: ['task.deleted'] as const }
    expect(changeMessage(only, change, version, NOON)).toEqual([])
    expect(reminderMessage(only, task, version, NOON)).toEqual([])
  })

  test('a ping keeps its id until it is sent, and leaves a disabled webhook disabled', () => {
    for (const [disabled, due_at] of [
      ['gone', null],
      [null, LATER],
    ] as const) {
      const wanted = pinged({ ...webhook, disabled }, LATER)
      expect(wanted).toMatchObject({ pinged_at: LATER, due_at: LATER, disabled })
      expect(pingMessage(wanted, NOON).id).toBe(pingMessage(wanted, LATER).id)
      expect(pingMessage(wanted, LATER)).toMatchObject({ type: 'ping', data: {} })
      expect(pingSent(wanted)).toMatchObject({ pinged_at: null, due_at, disabled })
    }
  })
})

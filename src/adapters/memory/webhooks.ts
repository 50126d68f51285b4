import type { DueWebhook, WebhookStore } from '../../application/ports.ts'
import { accountDeleted } from '../../domain/access.ts'
import type { Instant } from '../../domain/due-date.ts'
import { type Owner, ownerOf, type State, storeRecord } from './state.ts'

/** Returns whether the owner has an enabled webhook. */
export const wakeWebhooks = ({ webhooks }: Owner, at: Instant): boolean => {
  const enabled = [...webhooks.values()].filter(({ disabled }) => !disabled)
  for (const webhook of enabled) {
    const due_at = webhook.due_at ?? at
    webhooks.set(webhook.id, { ...webhook, due_at, version: webhook.version + 1 })
  }
  return enabled.length > 0
}

export const webhooks = (state: State): WebhookStore => ({
  create: async (webhook, most, record) => {
    const owner = ownerOf(state, webhook.user_id)
    if (owner.deletedAt) throw accountDeleted()
    if (record && owner.records.has(record.key)) return 'duplicate'
    if (owner.webhooks.size >= most) return 'limit'
    state.owners.set(webhook.user_id, owner)
    owner.webhooks.set(webhook.id, structuredClone(webhook))
    storeRecord(owner, record, 0)
    return 'created'
  },

  get: async (owner, id) => structuredClone(ownerOf(state, owner).webhooks.get(id)),

  list: async (owner) => structuredClone([...ownerOf(state, owner).webhooks.values()]),

  replace: async (webhook, record) => {
    const owner = ownerOf(state, webhook.user_id)
    if (record && owner.records.has(record.key)) return 'duplicate'
    if (owner.webhooks.get(webhook.id)?.version !== webhook.version) return 'conflict'
    owner.webhooks.set(webhook.id, structuredClone({ ...webhook, version: webhook.version + 1 }))
    storeRecord(owner, record, 0)
    return 'replaced'
  },

  remove: async (id, webhook, record) => {
    const owner = ownerOf(state, id)
    if (record && owner.records.has(record.key)) return 'duplicate'
    if (!owner.webhooks.delete(webhook)) return 'absent'
    storeRecord(owner, record, 0)
    return 'removed'
  },

  due: async (limit, after) =>
    [...state.owners.values()]
      .flatMap(({ webhooks: own }) => [...own.values()])
      .flatMap(({ user_id, id, due_at }) =>
        due_at === null ? [] : [{ owner: user_id, id, at: due_at }],
      )
      .filter((each) => !after || placeOf(each) > placeOf(after))
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
      .slice(0, limit),
})

const placeOf = ({ at, id }: DueWebhook): string => `${at} ${id}`

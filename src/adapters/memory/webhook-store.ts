import type { WebhookStore } from '../../application/ports.ts'
import type { Instant } from '../../domain/due-date.ts'
import type { UserId } from '../../domain/task.ts'
import type { Webhook } from '../../domain/webhook.ts'

/** `wake` is to be called with every change of an owner's tasks. */
export const memoryWebhookStore = (): WebhookStore & {
  wake(owner: UserId, at: Instant): void
} => {
  const owners = new Map<UserId, Map<string, Webhook>>()
  const ofOwner = (owner: UserId): Map<string, Webhook> => owners.get(owner) ?? new Map()
  const keep = (webhook: Webhook): void => {
    owners.set(webhook.user_id, ofOwner(webhook.user_id).set(webhook.id, structuredClone(webhook)))
  }

  return {
    create: async (webhook, most) => {
      if (ofOwner(webhook.user_id).size >= most) return false
      keep(webhook)
      return true
    },
    get: async (owner, id) => structuredClone(ofOwner(owner).get(id)),
    list: async (owner) => structuredClone([...ofOwner(owner).values()]),
    replace: async (webhook) => {
      const { user_id, id, version } = webhook
      if (ofOwner(user_id).get(id)?.version !== version) return false
      keep({ ...webhook, version: version + 1 })
      return true
    },
    remove: async (owner, id) => ofOwner(owner).delete(id),
    removeOwner: async (owner) => void owners.delete(owner),
    due: async (now, limit) =>
      [...owners.values()]
        .flatMap((webhooks) => [...webhooks.values()])
        .filter(({ due_at }) => due_at !== null && due_at <= now)
        .sort((a, b) => ((a.due_at ?? '') < (b.due_at ?? '') ? -1 : 1))
        .slice(0, limit)
        .map(({ user_id, id }) => ({ owner: user_id, id })),
    wake: (owner, at) => {
      for (const webhook of ofOwner(owner).values()) {
        if (webhook.disabled) continue
        keep({ ...webhook, due_at: webhook.due_at ?? at, version: webhook.version + 1 })
      }
    },
  }
}

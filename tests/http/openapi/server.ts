import { type IdentityOptions, identityProvider } from '../../../src/adapters/identity/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/storage.ts'
import type { TaskStore, TokenStore, WebhookStore } from '../../../src/application/ports.ts'
import { type Http, json, openHttp } from '../../support/http.ts'

export { DomainError } from '../../../src/domain/errors.ts'

export const providerOf = (options: Partial<IdentityOptions> = {}) =>
  identityProvider({
    storage: { kind: 'memory' },
    reached: Promise.resolve(),
    issuer: 'taskport',
    audience: 'taskport',
    secret: 'a secret of the identity provider, 32 bytes',
    secretSource: 'AUTH_SECRET',
    baseUrl: 'http://localhost',
    origins: [],
    onDelete: async () => {},
    onError: () => {},
    onRefusal: () => {},
    onFailedAttempt: () => {},
    ...options,
  })

export const accounts = providerOf()

type Options = Parameters<typeof openHttp>[1]

/** A server with an empty storage, and accounts unless they are left out. */
export const openServer = (options: Options = { accounts, trustProxy: 'x-peer' }): Http => {
  const { tasks, ...others } = memoryStorage()
  return openHttp(tasks, { ...others, ...options })
}

/** A server whose storage rejects every call. */
export const openFailingServer = (error: Error): Http => {
  const failing = { get: () => () => Promise.reject(error) }
  return openHttp(new Proxy({} as TaskStore, failing), {
    webhooks: new Proxy({} as WebhookStore, failing),
    tokens: new Proxy({} as TokenStore, failing),
  })
}

/** A server on which alice has two tasks, a webhook, a token, and the idempotency key `used`. */
export type Seed = Readonly<{ server: Http; taskId: string; webhookId: string; tokenId: string }>

export const WEBHOOK = { url: 'https://hooks.example.com/', events: ['task.changed'] }

export const TOKEN = { name: 'script', scopes: ['tasks:read'] }

export const seed = async (): Promise<Seed> => {
  const server = openServer()
  const create = async (path: string, body: object): Promise<string> =>
    (await json(server.call('POST', path, { body }))).id
  const draft = { priority: 'low', due_date: '2026-02-10T09:00:00+01:00' }
  await create('/api/tasks', { ...draft, title: 'Buy milk' })
  const taskId = await create('/api/tasks', { ...draft, title: 'Éclair' })
  await server.call('PATCH', `/api/tasks/${taskId}/complete`, {
    body: { completed: false },
    headers: { 'idempotency-key': 'used' },
  })
  const webhookId = await create('/api/webhooks', WEBHOOK)
  return { server, taskId, webhookId, tokenId: await create('/api/tokens', TOKEN) }
}

import { beforeEach, describe, expect, test } from 'bun:test'
import type { WebhookResult } from '../../src/application/webhooks/change-webhook.ts'
import { WEBHOOK_EVENTS, type Webhook } from '../../src/domain/webhook.ts'
import { DAY, deliveries, HOUR } from '../support/deliveries.ts'
import { put } from '../support/tasks.ts'

let world: ReturnType<typeof deliveries>

beforeEach(() => {
  world = deliveries()
})

const URL = 'https://hooks.example.com/'

describe('a webhook', () => {
  test('is checked: its URL, its events, ten at most', async () => {
    const { hook } = world
    for (const [url, field] of [
      ['http://hooks.example.com/', 'url'],
      ['ftp://hooks.example.com/', 'url'],
      ['hooks.example.com', 'url'],
      ['', 'url'],
      ['https://user:secret@hooks.example.com/', 'url'],
      [`https://hooks.example.com/${'x'.repeat(2000)}`, 'url'],
    ]) {
      await expect(hook(undefined, url)).rejects.toMatchObject({
        kind: 'invalid',
        issues: [{ field }],
      })
    }
    for (const events of [[], ['task.created'], ['task.changed', 'x']]) {
      await expect(hook(events)).rejects.toMatchObject({ issues: [{ field: 'events' }] })
    }
    for (let n = 0; n < 10; n++) await hook()
    await expect(hook()).rejects.toMatchObject({ kind: 'quota-exceeded' })
  })

  test("is one's own", async () => {
    const { app, hook } = world
    const { id } = await hook()
    for (const step of [
      () => app.getWebhook('bob', id),
      () => app.deleteWebhook('bob', id),
      () => app.pingWebhook('bob', id),
      () => app.rotateSecret('bob', id),
      () => app.replayWebhook('bob', id, 0),
    ]) {
      await expect(step()).rejects.toMatchObject({ kind: 'not-found' })
    }
    expect(await app.listWebhooks('bob')).toEqual([])
    expect(await app.listWebhooks('alice')).toHaveLength(1)
  })

  test('begins at the version of its owner, and is looked at once', async () => {
    const { app, create, hook, now } = world
    expect((await hook()).position).toEqual({ revision: 0, timeline: null, snapshot: null })
    const { version } = await app.createTask('alice', { title: 'a' })
    expect(version.timeline).not.toBe('')
    const webhook = await hook()
    expect(webhook).toMatchObject({ position: { ...version, snapshot: null }, due_at: now() })
    await create('b')
    expect(await app.listWebhooks('alice')).toHaveLength(2)
  })

  test('goes with the account, and none is created afterwards', async () => {
    const { app, hook, state } = world
    const webhook = await hook()
    await app.deleteAccount('alice')
    await expect(state(webhook)).rejects.toMatchObject({ kind: 'not-found' })
    await expect(hook()).rejects.toMatchObject({ kind: 'unauthenticated' })
  })
})

describe('RotateSecret', () => {
  const valuesOf = ({ secrets }: Webhook): string[] => secrets.map(({ value }) => value)

  test('has both secrets sign for a day', async () => {
    const { app, create, hook, pass, sent, tick } = world
    const webhook = await hook()
    const [old = ''] = valuesOf(webhook)
    const { webhook: rotated } = await app.rotateSecret('alice', webhook.id)
    const [fresh = ''] = valuesOf(rotated)
    expect(fresh).not.toBe(old)
    const secretsUsed = async (): Promise<readonly string[]> => {
      await create('x')
      await tick()
      return sent.at(-1)?.secrets ?? []
    }
    expect(await secretsUsed()).toEqual([fresh, old])
    pass(DAY)
    expect(await secretsUsed()).toEqual([fresh])
  })

  test('twice without a key keeps the secret in use signing', async () => {
    const { app, create, hook, pass, sent, tick } = world
    const webhook = await hook()
    const [inUse = ''] = valuesOf(webhook)
    for (let n = 0; n < 2; n++) await app.rotateSecret('alice', webhook.id)
    pass(23 * HOUR)
    await create('a')
    await tick()
    expect(sent.at(-1)?.secrets).toHaveLength(3)
    expect(sent.at(-1)?.secrets).toContain(inUse)
  })

  test('twice with the same key is one rotation', async () => {
    const { app, hook, state } = world
    const webhook = await hook()
    const key = { key: 'k', request: 'rotate' }
    const first = await app.rotateSecret('alice', webhook.id, key)
    expect(await app.rotateSecret('alice', webhook.id, key)).toEqual({ ...first, replayed: true })
    const all = await Promise.all(
      Array.from({ length: 10 }, () => app.rotateSecret('alice', webhook.id, key)),
    )
    for (const each of all) expect(each).toEqual({ ...first, replayed: true })
    expect(valuesOf(await state(webhook))).toHaveLength(2)
  })

  test('of ten at once without a key none is lost', async () => {
    const { app, hook, state } = world
    const webhook = await hook()
    const all = await Promise.all(
      Array.from({ length: 10 }, () => app.rotateSecret('alice', webhook.id)),
    )
    expect(new Set(all.map(({ webhook: each }) => valuesOf(each)[0])).size).toBe(10)
    expect(await state(webhook)).toMatchObject({ version: 11 })
  })
})

describe('ReplayWebhook', () => {
  test('delivers again what came after a revision', async () => {
    const { app, create, hook, lines, now, sent, tick, wakes } = world
    const webhook = await hook()
    for (const title of ['a', 'b', 'c']) await create(title)
    await tick()
    sent.length = 0
    await app.replayWebhook('alice', webhook.id, 1)
    expect(wakes.at(-1)).toBe(`enqueue-deliveries ${now()}`)
    await tick()
    expect(lines()).toEqual(['task.changed 2 b', 'task.changed 3 c'])
  })

  test('is gone for a revision that is ahead, or before purged deletions', async () => {
    const { app, create, hook, tasks } = world
    const webhook = await hook()
    const { id } = await create('a')
    await app.deleteTask('alice', id)
    await expect(app.replayWebhook('alice', webhook.id, 3)).rejects.toMatchObject({ kind: 'gone' })
    const far = '9999-01-01T00:00:00.000Z'
    await tasks.purge('alice', { tombstones: far, records: far, revisions: 1000 }, 10)
    await expect(app.replayWebhook('alice', webhook.id, 1)).rejects.toMatchObject({ kind: 'gone' })
    await app.replayWebhook('alice', webhook.id, 2)
  })
})

describe('a request with an idempotency key', () => {
  const key = (name: string, request = name) => ({ key: name, request })

  test('creates one webhook, however often it is sent', async () => {
    const { app, pass } = world
    const create = (name = 'k') => app.createWebhook('alice', URL, WEBHOOK_EVENTS, key(name))
    const first = await create()
    pass(HOUR)
    expect(await create()).toEqual({ ...first, replayed: true })
    const all = await Promise.all(Array.from({ length: 20 }, () => create('at once')))
    expect(new Set(all.map(({ webhook }) => webhook.id)).size).toBe(1)
    expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(await app.listWebhooks('alice')).toHaveLength(2)
    for (let n = 0; n < 8; n++) await create(`${n}`)
    expect(await create()).toEqual({ ...first, replayed: true })
    await expect(create('one too many')).rejects.toMatchObject({ kind: 'quota-exceeded' })
    await app.deleteWebhook('alice', first.webhook.id)
    await expect(create()).rejects.toMatchObject({ kind: 'not-found' })
    expect(await create('one too many')).toMatchObject({ replayed: false })
  })

  test.each<[string, (id: string, name: string) => Promise<WebhookResult>]>([
    ['rotates', (id, name) => world.app.rotateSecret('alice', id, key(name))],
    ['pings', (id, name) => world.app.pingWebhook('alice', id, key(name))],
    ['replays', (id, name) => world.app.replayWebhook('alice', id, 0, key(name))],
  ])('%s once, however often it is sent', async (_, step) => {
    const { hook, pass, state, tick } = world
    const { id, ...webhook } = await hook()
    const first = await step(id, 'k')
    expect(first).toMatchObject({ replayed: false, webhook: { version: 2 } })
    const all = await Promise.all(Array.from({ length: 10 }, () => step(id, 'k')))
    for (const each of all) expect(each).toEqual({ ...first, replayed: true })
    await tick()
    const after = await state({ ...webhook, id })
    pass(HOUR)
    expect(await step(id, 'k')).toEqual({ webhook: after, replayed: true })
    expect(await state({ ...webhook, id })).toEqual(after)
    expect(await step(id, 'another')).toMatchObject({ replayed: false })
  })

  test('deletes once, and says so again', async () => {
    const { app, hook } = world
    const [first, second] = [await hook(), await hook()]
    const erase = (id: string, name = 'k') => app.deleteWebhook('alice', id, key(name))
    expect(await erase(first.id)).toEqual({ replayed: false })
    expect(await erase(first.id)).toEqual({ replayed: true })
    await expect(erase(first.id, 'another')).rejects.toMatchObject({ kind: 'not-found' })
    expect(await app.listWebhooks('alice')).toEqual([second])
  })

  test('that is another request with a known key is refused and does nothing', async () => {
    const { app, hook, tasks } = world
    const webhook = await hook()
    await app.createTask('alice', { title: 'a' }, key('k', 'create a task'))
    for (const step of [
      () => app.createWebhook('alice', URL, WEBHOOK_EVENTS, key('k', 'create')),
      () => app.rotateSecret('alice', webhook.id, key('k', 'rotate')),
      () => app.pingWebhook('alice', webhook.id, key('k', 'ping')),
      () => app.replayWebhook('alice', webhook.id, 0, key('k', 'replay')),
      () => app.deleteWebhook('alice', webhook.id, key('k', 'delete')),
    ]) {
      await expect(step()).rejects.toMatchObject({ kind: 'key-reused' })
    }
    expect(await app.listWebhooks('alice')).toMatchObject([{ id: webhook.id, pinged_at: null }])
    expect(await put(tasks, 'alice', 'b')).toMatchObject({ revision: 2 })
  })
})

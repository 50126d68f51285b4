import { beforeEach, describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { App } from '../../src/application/index.ts'
import type { Attempt, Job, TaskStore, WebhookStore } from '../../src/application/ports.ts'
import type { Message } from '../../src/domain/delivery.ts'
import type { Webhook, WebhookEvent } from '../../src/domain/webhook.ts'
import { appOf } from '../support/app.ts'
import { countingIds, put } from '../support/tasks.ts'

const ALL: WebhookEvent[] = ['task.changed', 'task.deleted', 'task.reminder']
const START = '2026-02-10T12:00:00.000Z'
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

type Sent = Message & { url: string; secrets: readonly string[] }

let tasks: TaskStore
let webhooks: WebhookStore
let app: App
let now: string
let sent: Sent[]
let queued: Job[]
let answer: (message: Sent) => Attempt | Promise<Attempt>

beforeEach(() => {
  const storage = memoryStorage()
  tasks = storage.tasks
  webhooks = storage.webhooks
  now = START
  sent = []
  queued = []
  answer = () => ({ ok: true })
  app = open()
})

const open = (): App =>
  appOf({
    tasks,
    webhooks,
    now: () => now,
    newId: countingIds(),
    jobs: {
      enqueue: async (job) => void queued.push(job),
      work: () => {},
      stop: async () => {},
    },
    send: async (url, message, secrets) => {
      sent.push({ ...message, url, secrets })
      return answer({ ...message, url, secrets })
    },
  })

const later = (milliseconds: number): void => {
  now = new Date(Date.parse(now) + milliseconds).toISOString()
}

/** As the timers and the queue do it. */
const tick = async (): Promise<void> => {
  await app.remindDue()
  await app.wakeWebhooks()
  for (const job of queued.splice(0)) await app.runJob(job)
}

const hook = (
  events: readonly string[] = ALL,
  url = 'https://hooks.example.com/',
): Promise<Webhook> => app.createWebhook('alice', url, events)

const state = async ({ id }: Webhook): Promise<Webhook> => app.getWebhook('alice', id)

const told = (): string[] =>
  sent.map(({ type, data }) => {
    const { revision, task } = data as { revision: number; task?: { title: string } }
    return [type, revision, task?.title].filter((part) => part !== undefined).join(' ')
  })

const failure = (error: Exclude<Attempt, { ok: true }>['error'], retryAfter = 0): Attempt => ({
  ok: false,
  error,
  retryAfter,
})

describe('a webhook', () => {
  test('is checked: its address, its events, ten at most', async () => {
    for (const [url, field] of [
      ['http://hooks.example.com/', 'url'],
      ['ftp://hooks.example.com/', 'url'],
      ['hooks.example.com', 'url'],
      ['', 'url'],
      ['https://user:secret@hooks.example.com/', 'url'],
      [`https://hooks.example.com/${'x'.repeat(2000)}`, 'url'],
    ]) {
      await expect(hook(ALL, url)).rejects.toMatchObject({ kind: 'invalid', issues: [{ field }] })
    }
    for (const events of [[], ['task.created'], ['task.changed', 'x']]) {
      await expect(hook(events)).rejects.toMatchObject({ issues: [{ field: 'events' }] })
    }
    for (let n = 0; n < 10; n++) await hook()
    await expect(hook()).rejects.toMatchObject({ kind: 'quota-exceeded' })
  })

  test("is one's own", async () => {
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

  test('goes with the account', async () => {
    const webhook = await hook()
    await app.deleteAccount('alice')
    await expect(state(webhook)).rejects.toMatchObject({ kind: 'not-found' })
  })
})

describe('what is delivered', () => {
  test('is what changes from now on, in order, as it has asked for', async () => {
    await app.createTask('alice', { title: 'before' })
    const everything = await hook()
    await hook(['task.deleted'])
    await tick()
    expect(sent).toEqual([])
    const { id } = await app.createTask('alice', { title: 'a' })
    await app.createTask('alice', { title: 'b' })
    await app.deleteTask('alice', id)
    await app.createTask('bob', { title: 'not of alice' })
    await tick()
    expect(told().sort()).toEqual(['task.changed 3 b', 'task.deleted 4', 'task.deleted 4'])
    expect(await state(everything)).toMatchObject({ position: { revision: 4 }, due_at: null })
    await tick()
    expect(sent).toHaveLength(3)
  })

  test('has the same id in every attempt, and a different one for every webhook and change', async () => {
    await Promise.all([hook(), hook()])
    await app.createTask('alice', { title: 'a' })
    answer = () => failure('timeout')
    await tick()
    answer = () => ({ ok: true })
    later(6 * SECOND)
    await tick()
    await app.createTask('alice', { title: 'b' })
    await tick()
    const ids = sent.map(({ id }) => id)
    expect([ids.length, new Set(ids).size]).toEqual([6, 4])
    for (const id of ids) expect(id).toMatch(/^msg_[0-9a-f]{32}_\d+_changed$/)
  })

  test('a reminder is a change and a reminder, and is told even if the task changed before', async () => {
    await hook()
    const remind_at = '2026-02-10T13:00:00Z'
    const { id } = await app.createTask('alice', { title: 'a', remind_at })
    await tick()
    later(HOUR)
    await app.remindDue()
    await app.updateTask('alice', id, { title: 'b' })
    await tick()
    expect(told()).toEqual(['task.changed 1 a', 'task.changed 3 b', 'task.reminder 3 b'])
    expect(sent.at(-1)?.id).toMatch(/_2_reminder$/)
  })

  test('what is written while it is delivering comes as well, once', async () => {
    await hook()
    await app.createTask('alice', { title: 'a' })
    let more = 3
    answer = async () => {
      if (more-- > 0) await put(tasks, 'alice', `meanwhile ${more}`)
      return { ok: true }
    }
    await tick()
    expect(told()).toEqual([
      'task.changed 1 a',
      'task.changed 2 meanwhile 2',
      'task.changed 3 meanwhile 1',
      'task.changed 4 meanwhile 0',
    ])
    await tick()
    expect(sent).toHaveLength(4)
  })

  test('a long run ends in between, and goes on', async () => {
    const webhook = await hook()
    for (let n = 0; n < 100; n++) await put(tasks, 'alice', `${n}`)
    answer = () => {
      later(SECOND)
      return { ok: true }
    }
    await tick()
    expect(sent.length).toBe(30)
    expect((await state(webhook)).due_at).not.toBeNull()
    for (let n = 0; n < 3; n++) await tick()
    expect(told()).toEqual(Array.from({ length: 100 }, (_, n) => `task.changed ${n + 1} ${n}`))
  })

  test('from a history that is gone it begins with everything', async () => {
    const webhook = await hook()
    await app.createTask('alice', { title: 'a' })
    const { id } = await app.createTask('alice', { title: 'b' })
    await tick()
    await app.deleteTask('alice', id)
    await webhooks.replace({
      ...(await state(webhook)),
      position: { revision: 2, history: 'another', snapshot: null },
    })
    sent = []
    await tick()
    expect(told()).toEqual(['task.changed 1 a'])
    expect(await state(webhook)).toMatchObject({ position: { revision: 3 }, due_at: null })
  })
})

describe('what fails', () => {
  test('comes again after longer and longer, nothing after it before', async () => {
    const webhook = await hook()
    await app.createTask('alice', { title: 'a' })
    await app.createTask('alice', { title: 'b' })
    answer = () => failure('server-error')
    const pauses = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    await tick()
    for (const [n, seconds] of pauses.entries()) {
      expect(sent).toHaveLength(n + 1)
      expect(await state(webhook)).toMatchObject({
        failures: n + 1,
        last_error: 'server-error',
        failing_since: START,
        disabled: null,
      })
      later(seconds * SECOND - 1)
      await tick()
      expect(sent).toHaveLength(n + 1)
      later(1)
      await tick()
    }
    answer = () => ({ ok: true })
    later(DAY)
    await tick()
    expect(told().slice(-2)).toEqual(['task.changed 1 a', 'task.changed 2 b'])
    expect(await state(webhook)).toMatchObject({
      failures: 0,
      last_error: null,
      failing_since: null,
      position: { revision: 2 },
    })
  })

  test('waits as long as the receiver says, at most a day', async () => {
    const webhook = await hook()
    await app.createTask('alice', { title: 'a' })
    answer = () => failure('client-error', 10 * MINUTE)
    await tick()
    expect((await state(webhook)).due_at).toBe('2026-02-10T12:10:00.000Z')
    answer = () => failure('client-error', 100 * DAY)
    later(10 * MINUTE)
    await tick()
    expect((await state(webhook)).due_at).toBe('2026-02-11T12:10:00.000Z')
  })

  test('for five days disables it, and so does being told that nobody is there', async () => {
    for (const [error, wait, disabled] of [
      ['unreachable', DAY, 'failing'],
      ['gone', 0, 'gone'],
    ] as const) {
      const webhook = await hook()
      await app.createTask('alice', { title: 'a' })
      answer = () => failure(error)
      for (let day = 0; day < 12; day++) {
        await tick()
        later(wait)
      }
      expect(await state(webhook)).toMatchObject({ disabled, last_error: error, due_at: null })
      const count = sent.length
      await app.createTask('alice', { title: 'b' })
      await tick()
      expect(sent).toHaveLength(count)
      answer = () => ({ ok: true })
      await app.replayWebhook('alice', webhook.id, 0)
      await tick()
      expect(await state(webhook)).toMatchObject({ disabled: null, due_at: null })
      await app.deleteWebhook('alice', webhook.id)
    }
  })

  test('does not hold up another webhook', async () => {
    await Promise.all([hook(ALL, 'https://dead.example.com/'), hook()])
    answer = ({ url }) => (url.includes('dead') ? failure('timeout') : { ok: true })
    for (const title of ['a', 'b']) {
      await app.createTask('alice', { title })
      await tick()
    }
    const alive = sent.filter(({ url }) => !url.includes('dead'))
    expect(alive).toHaveLength(2)
    expect(sent).toHaveLength(3)
  })

  test('by a crash in between comes again, nothing is left out', async () => {
    await hook()
    for (const title of ['a', 'b', 'c']) await app.createTask('alice', { title })
    let crash = true
    answer = ({ data }) => {
      if (crash && (data as { revision: number }).revision === 2) {
        crash = false
        throw new Error('kill -9')
      }
      return { ok: true }
    }
    await expect(tick()).rejects.toThrow('kill -9')
    await tick()
    expect(told()).toEqual([
      'task.changed 1 a',
      'task.changed 2 b',
      'task.changed 2 b',
      'task.changed 3 c',
    ])
  })
})

describe('its owner', () => {
  test('rotates the secret: both sign for a day', async () => {
    const webhook = await hook()
    const [old] = webhook.secrets.map(({ value }) => value)
    const { secrets } = await app.rotateSecret('alice', webhook.id)
    const fresh = secrets[0]?.value
    expect(fresh).not.toBe(old)
    const secretsUsed = async (): Promise<readonly string[]> => {
      await app.createTask('alice', { title: 'x' })
      await tick()
      return sent.at(-1)?.secrets ?? []
    }
    expect(await secretsUsed()).toEqual([fresh ?? '', old ?? ''])
    later(DAY)
    expect(await secretsUsed()).toEqual([fresh ?? ''])
    await app.rotateSecret('alice', webhook.id)
    await app.rotateSecret('alice', webhook.id)
    expect(await secretsUsed()).toHaveLength(2)
  })

  test('tries it: a ping, whatever the state, that changes nothing', async () => {
    const webhook = await hook()
    await app.pingWebhook('alice', webhook.id)
    await tick()
    expect(sent).toMatchObject([{ type: 'ping', data: {} }])
    expect((await state(webhook)).position.revision).toBe(0)
  })

  test('has it sent again from a revision', async () => {
    const webhook = await hook()
    for (const title of ['a', 'b', 'c']) await app.createTask('alice', { title })
    await tick()
    sent = []
    await app.replayWebhook('alice', webhook.id, 1)
    await tick()
    expect(told()).toEqual(['task.changed 2 b', 'task.changed 3 c'])
    await expect(app.replayWebhook('alice', webhook.id, 4)).rejects.toMatchObject({ kind: 'gone' })
  })

  test('changes or deletes it while it delivers: that run stops', async () => {
    const webhook = await hook()
    for (const title of ['a', 'b', 'c']) await app.createTask('alice', { title })
    answer = async () => {
      if (sent.length === 2) await app.replayWebhook('alice', webhook.id, 0)
      if (sent.length === 4) await app.deleteWebhook('alice', webhook.id)
      return { ok: true }
    }
    await tick()
    expect(told()).toEqual(['task.changed 1 a', 'task.changed 2 b'])
    await tick()
    expect(told().slice(2)).toEqual(['task.changed 1 a', 'task.changed 2 b'])
    await tick()
    expect(sent).toHaveLength(4)
  })
})

import { beforeEach, describe, expect, test } from 'bun:test'
import { DAY, deliveries, failure, HOUR, MINUTE, SECOND } from '../support/deliveries.ts'
import { NOON, put } from '../support/tasks.ts'

let world: ReturnType<typeof deliveries>

beforeEach(() => {
  world = deliveries()
})

describe('what is delivered', () => {
  test('is what changes from now on, in order, as it was subscribed to', async () => {
    const { app, create, hook, lines, sent, state, tick } = world
    await create('before')
    const everything = await hook()
    await hook(['task.deleted'])
    await tick()
    expect(sent).toEqual([])
    const { id } = await create('a')
    await create('b')
    await app.deleteTask('alice', id)
    await app.createTask('bob', { title: 'not of alice' })
    await tick()
    expect(lines().sort()).toEqual(['task.changed 3 b', 'task.deleted 4', 'task.deleted 4'])
    expect(await state(everything)).toMatchObject({ position: { revision: 4 }, due_at: null })
    await tick()
    expect(sent).toHaveLength(3)
  })

  test('has the same id in every attempt, and another one for every webhook and change', async () => {
    const { create, hook, pass, receiver, sent, tick } = world
    await Promise.all([hook(), hook()])
    await create('a')
    receiver.respond = () => failure('timeout')
    await tick()
    receiver.respond = () => ({ ok: true })
    pass(6 * SECOND)
    await tick()
    await create('b')
    await tick()
    const ids = sent.map(({ id }) => id)
    expect([ids.length, new Set(ids).size]).toEqual([6, 4])
    for (const id of ids) expect(id).toMatch(/^msg_[0-9a-f]{32}_\d+_[0-9a-z]+_changed$/)
  })

  test('what is committed while it is delivering comes as well, once', async () => {
    const { create, hook, lines, receiver, sent, tasks, tick } = world
    await hook()
    await create('a')
    let more = 3
    receiver.respond = async () => {
      if (more-- > 0) await put(tasks, 'alice', `meanwhile ${more}`)
      return { ok: true }
    }
    await tick()
    expect(lines()).toEqual([
      'task.changed 1 a',
      'task.changed 2 meanwhile 2',
      'task.changed 3 meanwhile 1',
      'task.changed 4 meanwhile 0',
    ])
    await tick()
    expect(sent).toHaveLength(4)
  })

  test('a long run ends in between, and goes on', async () => {
    const { hook, lines, pass, receiver, sent, state, tasks, tick, wakes } = world
    const webhook = await hook()
    for (let n = 0; n < 100; n++) await put(tasks, 'alice', `${n}`)
    receiver.respond = () => {
      pass(SECOND)
      return { ok: true }
    }
    await tick()
    expect(sent.length).toBe(10)
    const { due_at } = await state(webhook)
    expect(due_at).not.toBeNull()
    expect(wakes.at(-1)).toBe(`enqueue-deliveries ${due_at}`)
    for (let n = 0; n < 9; n++) await tick()
    expect(lines()).toEqual(Array.from({ length: 100 }, (_, n) => `task.changed ${n + 1} ${n}`))
  })

  test('in a timeline that is gone it begins with everything', async () => {
    const { app, create, hook, lines, sent, state, tick, webhooks } = world
    const webhook = await hook()
    await create('a')
    const { id } = await create('b')
    await tick()
    await app.deleteTask('alice', id)
    const position = { revision: 2, timeline: 'another', snapshot: null }
    await webhooks.replace({ ...(await state(webhook)), position })
    sent.length = 0
    await tick()
    expect(lines()).toEqual(['task.changed 1 a'])
    expect(await state(webhook)).toMatchObject({ position: { revision: 3 }, due_at: null })
  })
})

describe('a reminder', () => {
  const remind_at = '2026-02-10T13:00:00.000Z'

  test('is a change and a reminder', async () => {
    const { create, hook, lines, pass, sent, tick } = world
    await hook()
    await create('a', remind_at)
    await tick()
    pass(HOUR)
    await tick()
    expect(lines()).toEqual(['task.changed 1 a', 'task.changed 2 a', 'task.reminder 2 a'])
    expect(sent.at(-1)?.id).toMatch(/_2_[0-9a-z]+_reminder$/)
  })

  test('is delivered once, although the task changed before it could be', async () => {
    const { app, create, hook, lines, pass, sent, tick } = world
    await hook()
    const { id } = await create('a', remind_at)
    await tick()
    pass(HOUR)
    await app.sendReminders()
    await app.updateTask('alice', id, { title: 'b' })
    await tick()
    await app.updateTask('alice', id, { title: 'c' })
    await tick()
    expect(lines().toSorted()).toEqual([
      'task.changed 1 a',
      'task.changed 3 b',
      'task.changed 4 c',
      'task.reminder 3 b',
    ])
    const reminders = sent.filter(({ type }) => type === 'task.reminder')
    expect(reminders.map(({ id: message }) => message)).toEqual([
      expect.stringMatching(/_2_[0-9a-z]+_reminder$/),
    ])
  })

  test('is delivered although other changes were delivered before its task', async () => {
    const { app, create, hook, lines, pass, tasks, tick } = world
    await hook(['task.reminder'])
    const { id } = await create('a', remind_at)
    await tick()
    pass(HOUR)
    await app.sendReminders()
    for (let n = 0; n < 120; n++) await put(tasks, 'alice', `other ${n}`)
    await app.updateTask('alice', id, { title: 'b' })
    await tick()
    expect(lines()).toEqual(['task.reminder 123 b'])
  })

  test('is delivered although an attempt failed between it and the change of its task', async () => {
    const { app, create, hook, lines, pass, receiver, tick } = world
    await hook()
    const { id } = await create('a', remind_at)
    await tick()
    pass(HOUR)
    await app.sendReminders()
    await create('other')
    await create('another')
    await app.updateTask('alice', id, { title: 'b' })
    receiver.respond = ({ data }) =>
      (data as { revision: number }).revision === 4 ? failure('timeout') : { ok: true }
    await tick()
    receiver.respond = () => ({ ok: true })
    pass(MINUTE)
    await tick()
    expect(lines().filter((line) => line.startsWith('task.reminder'))).toEqual([
      'task.reminder 5 b',
    ])
  })

  test('of a task that was deleted before it could be delivered is left out', async () => {
    const { app, create, hook, lines, pass, tick } = world
    await hook()
    const { id } = await create('a', remind_at)
    await tick()
    pass(HOUR)
    await app.sendReminders()
    await app.deleteTask('alice', id)
    await tick()
    expect(lines()).toEqual(['task.changed 1 a', 'task.deleted 3'])
  })
})

describe('what fails', () => {
  test('comes again after longer and longer, nothing after it before', async () => {
    const { create, hook, lines, pass, receiver, sent, state, tick, wakes } = world
    const webhook = await hook()
    await create('a')
    await create('b')
    receiver.respond = () => failure('server-error')
    const pauses = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    await tick()
    for (const [n, seconds] of pauses.entries()) {
      expect(sent).toHaveLength(n + 1)
      const failed = await state(webhook)
      expect(failed).toMatchObject({
        failures: n + 1,
        last_error: 'server-error',
        failing_since: NOON,
        disabled: null,
      })
      expect(wakes.at(-1)).toBe(`enqueue-deliveries ${failed.due_at}`)
      pass(seconds * SECOND - 1)
      await tick()
      expect(sent).toHaveLength(n + 1)
      pass(1)
      await tick()
    }
    receiver.respond = () => ({ ok: true })
    pass(DAY)
    await tick()
    expect(lines().slice(-2)).toEqual(['task.changed 1 a', 'task.changed 2 b'])
    expect(await state(webhook)).toMatchObject({
      failures: 0,
      last_error: null,
      failing_since: null,
      position: { revision: 2 },
    })
  })

  test('waits as long as the receiver says, at most a day', async () => {
    const { create, hook, pass, receiver, state, tick } = world
    const webhook = await hook()
    await create('a')
    receiver.respond = () => failure('client-error', 10 * MINUTE)
    await tick()
    expect((await state(webhook)).due_at).toBe('2026-02-10T12:10:00.000Z')
    receiver.respond = () => failure('client-error', 100 * DAY)
    pass(10 * MINUTE)
    await tick()
    expect((await state(webhook)).due_at).toBe('2026-02-11T12:10:00.000Z')
  })

  test('for five days disables the webhook, and so does a receiver that is gone', async () => {
    const { app, create, hook, pass, receiver, sent, state, tick } = world
    for (const [error, wait, disabled] of [
      ['unreachable', DAY, 'failing'],
      ['gone', 0, 'gone'],
    ] as const) {
      const webhook = await hook()
      await create('a')
      receiver.respond = () => failure(error)
      for (let day = 0; day < 12; day++) {
        await tick()
        pass(wait)
      }
      expect(await state(webhook)).toMatchObject({ disabled, last_error: error, due_at: null })
      const count = sent.length
      await create('b')
      await tick()
      expect(sent).toHaveLength(count)
      receiver.respond = () => ({ ok: true })
      await app.replayWebhook('alice', webhook.id, 0)
      await tick()
      expect(await state(webhook)).toMatchObject({ disabled: null, due_at: null })
      await app.deleteWebhook('alice', webhook.id)
    }
  })

  test('does not hold up another webhook', async () => {
    const { create, hook, receiver, sent, tick } = world
    await Promise.all([hook(undefined, 'https://dead.example.com/'), hook()])
    receiver.respond = ({ url }) => (url.includes('dead') ? failure('timeout') : { ok: true })
    for (const title of ['a', 'b']) {
      await create(title)
      await tick()
    }
    const alive = sent.filter(({ url }) => !url.includes('dead'))
    expect(alive).toHaveLength(2)
    expect(sent).toHaveLength(3)
  })

  test('by a crash in between comes again, nothing is left out', async () => {
    const { create, hook, lines, receiver, tick } = world
    await hook()
    for (const title of ['a', 'b', 'c']) await create(title)
    let crash = true
    receiver.respond = ({ data }) => {
      if (crash && (data as { revision: number }).revision === 2) {
        crash = false
        throw new Error('kill -9')
      }
      return { ok: true }
    }
    await expect(tick()).rejects.toThrow('kill -9')
    await tick()
    expect(lines()).toEqual([
      'task.changed 1 a',
      'task.changed 2 b',
      'task.changed 2 b',
      'task.changed 3 c',
    ])
  })
})

describe('a change of the webhook while it delivers', () => {
  test('by its owner ends that run', async () => {
    const { app, create, hook, lines, receiver, sent, tick } = world
    const webhook = await hook()
    for (const title of ['a', 'b', 'c']) await create(title)
    receiver.respond = async () => {
      if (sent.length === 2) await app.replayWebhook('alice', webhook.id, 0)
      if (sent.length === 4) await app.deleteWebhook('alice', webhook.id)
      return { ok: true }
    }
    await tick()
    expect(lines()).toEqual(['task.changed 1 a', 'task.changed 2 b'])
    await tick()
    expect(lines().slice(2)).toEqual(['task.changed 1 a', 'task.changed 2 b'])
    await tick()
    expect(sent).toHaveLength(4)
  })

  test('by a rotation loses neither the new secret nor a change', async () => {
    const { app, create, hook, receiver, sent, state, tick } = world
    const webhook = await hook()
    for (const title of ['a', 'b']) await create(title)
    receiver.respond = async () => {
      if (sent.length === 1) await app.rotateSecret('alice', webhook.id)
      return { ok: true }
    }
    await tick()
    expect((await state(webhook)).secrets).toHaveLength(2)
    await tick()
    const revisions = sent.map(({ data }) => (data as { revision: number }).revision)
    expect(new Set(revisions)).toEqual(new Set([1, 2]))
    expect(sent.at(-1)?.secrets).toHaveLength(2)
  })

  test('by the deletion of the account ends that run', async () => {
    const { app, create, hook, receiver, sent, tick } = world
    await hook()
    for (const title of ['a', 'b']) await create(title)
    receiver.respond = async () => {
      await app.deleteAccount('alice')
      return { ok: true }
    }
    await tick()
    await tick()
    expect(sent).toHaveLength(1)
  })
})

describe('a ping', () => {
  const pings = () => world.sent.filter(({ type }) => type === 'ping')

  test('is sent once, and changes nothing else', async () => {
    const { app, hook, state, tick, wakes } = world
    const webhook = await hook()
    await tick()
    const before = await state(webhook)
    const { webhook: wanted } = await app.pingWebhook('alice', webhook.id)
    expect(wanted).toMatchObject({ pinged_at: NOON, due_at: NOON })
    expect(wakes.at(-1)).toBe(`enqueue-deliveries ${NOON}`)
    for (let n = 0; n < 9; n++) await tick()
    expect(world.sent).toMatchObject([{ type: 'ping', data: {} }])
    const { version: _, ...after } = await state(webhook)
    expect(after).toEqual({ ...before, version: undefined } as unknown as typeof after)
  })

  test.each(['gone', 'failing'] as const)(
    'is sent to a webhook disabled as %s, which stays so',
    async (disabled) => {
      const { app, create, hook, state, tick, webhooks } = world
      const webhook = await hook()
      await tick()
      await webhooks.replace({ ...(await state(webhook)), disabled, due_at: null })
      await create('a')
      await app.pingWebhook('alice', webhook.id)
      for (let n = 0; n < 9; n++) await tick()
      expect(world.lines()).toHaveLength(1)
      expect(pings()).toHaveLength(1)
      expect(await state(webhook)).toMatchObject({ disabled, due_at: null, pinged_at: null })
    },
  )

  test('is sent to a webhook that has changes to deliver, before them', async () => {
    const { app, create, hook, lines, tick } = world
    const webhook = await hook()
    await create('a')
    await app.pingWebhook('alice', webhook.id)
    await tick()
    expect(lines()).toEqual(['ping', 'task.changed 1 a'])
  })

  test('is sent to a webhook that waits after a failure', async () => {
    const { app, create, hook, pass, receiver, state, tick } = world
    const webhook = await hook()
    await create('a')
    receiver.respond = () => failure('timeout')
    await tick()
    pass(SECOND)
    await app.pingWebhook('alice', webhook.id)
    await tick()
    expect(pings()).toHaveLength(1)
    expect(await state(webhook)).toMatchObject({ position: { revision: 0 }, pinged_at: null })
    receiver.respond = () => ({ ok: true })
    pass(DAY)
    await tick()
    expect(world.lines().at(-1)).toBe('task.changed 1 a')
  })

  test('that fails is not a failure of the webhook, and does not come again', async () => {
    const { app, hook, pass, receiver, state, tick } = world
    const webhook = await hook()
    receiver.respond = () => failure('timeout')
    await app.pingWebhook('alice', webhook.id)
    await tick()
    pass(DAY)
    await tick()
    expect(pings()).toHaveLength(1)
    expect(await state(webhook)).toMatchObject({ failures: 0, last_error: null, pinged_at: null })
  })

  test('requested again while it is being sent is sent again', async () => {
    const { app, hook, pass, receiver, tick } = world
    const webhook = await hook()
    receiver.respond = async () => {
      if (pings().length === 1) {
        pass(SECOND)
        await app.pingWebhook('alice', webhook.id)
      }
      return { ok: true }
    }
    await app.pingWebhook('alice', webhook.id)
    await tick()
    await tick()
    expect(new Set(pings().map(({ id }) => id)).size).toBe(2)
  })
})

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import postgres from 'postgres'
import { changes } from '../../../src/adapters/postgres/changes.ts'
import type { Query } from '../../../src/adapters/postgres/client.ts'
import { driverOptions } from '../../../src/adapters/postgres/driver.ts'
import { grouped, ungrouped } from '../../../src/adapters/postgres/group-commit.ts'
import { listStatement, longStatement } from '../../../src/adapters/postgres/list-statements.ts'
import { readTasks } from '../../../src/adapters/postgres/read-tasks.ts'
import { reminders } from '../../../src/adapters/postgres/reminders.ts'
import { retention } from '../../../src/adapters/postgres/retention.ts'
import { tokens } from '../../../src/adapters/postgres/tokens.ts'
import { webhooks } from '../../../src/adapters/postgres/webhooks.ts'
import { write } from '../../../src/adapters/postgres/write.ts'
import { ORDERS, positionOf, SORTS, STATUSES, taskQuery } from '../../../src/domain/task-query.ts'
import { describeOnAnyCitus, freshCitusDatabase } from '../../support/citus.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import {
  commitOf,
  LATER,
  NOON,
  put,
  removal,
  replacement,
  uuid,
  WHOLE,
} from '../../support/tasks.ts'
import { tokenOf } from '../../support/tokens.ts'
import { webhookOf } from '../../support/webhooks.ts'

setDefaultTimeout(60_000)

/** More often than a prepared statement is planned for its parameters. */
const ROUNDS = 7

const OF_TOKENS = /taskport\.(tokens|create_token|delete_tokens)/

describeOnAnyCitus('on Citus', () => {
  let sql: postgres.Sql
  let sent: string[] = []
  let about = ''
  /** By text, the commands that one node sent to another for each run. */
  const remote = new Map<string, string[][]>()
  /** The owners that statements were said to be about, or what they reach instead. */
  const subjects = new Set<string>()

  const query: Query = async (text, parameters, reach = 'one') => {
    sent = []
    about = reach === 'one' ? (parameters[0] ?? '') : reach
    subjects.add(about)
    const rows = await sql.unsafe(text, parameters as string[], { prepare: true })
    remote.set(text, [...(remote.get(text) ?? []), sent])
    return [...rows] as never
  }
  const tasks = {
    ...readTasks(query, ungrouped),
    ...write(query, ungrouped),
    ...changes(query),
    ...reminders(query),
    ...retention(query),
    ready: async () => {},
  }
  const hooks = webhooks(query)
  const keys = tokens(query, grouped({ patience: 1000, tooBusy: () => new Error('too busy') }))

  beforeAll(async () => {
    const url = await freshCitusDatabase()
    await (await openPostgres(url, { sharding: 'citus' })).close()
    sql = postgres({
      ...driverOptions(url),
      max: 1,
      onnotice: ({ message = '' }) => {
        if (message.startsWith('issuing')) sent.push(message)
      },
      connection: { 'citus.log_remote_commands': 'on' },
      types: { revision: { to: 20, from: [20], serialize: String, parse: Number } },
    }) as postgres.Sql
  })
  afterAll(() => sql?.end())

  test('statements about one user are sent as one command to the node that has the user', async () => {
    const users = Array.from({ length: ROUNDS }, (_, round) => `user-${round}`)
    for (const user of users) await everything(user)
    expect(subjects).toEqual(new Set([...users, 'coordinator']))
    for (const [text, runs] of remote) {
      if (OF_TOKENS.test(text)) continue
      const counts = new Set(runs.map((commands) => commands.length))
      expect({ text, counts }).toEqual({ text, counts: new Set([1]) })
      const [call] = text.match(/taskport\.\w+\(/) ?? []
      if (call) expect(runs.flat().filter((command) => !command.includes(call))).toEqual([])
    }
    const calls = [...remote.keys()].filter((text) => /taskport\.\w+\(/.test(text))
    expect(calls.filter((text) => !OF_TOKENS.test(text))).toHaveLength(7)
  })

  test('tokens are on the coordinator: only a new one asks the node of the user, for the mark of a deletion', async () => {
    remote.clear()
    for (let round = 0; round < ROUNDS; round++) {
      const token = tokenOf(`owner-${round}`)
      expect(await keys.create(token, 5)).toBe('created')
      await keys.find(token.hash)
      await Promise.all([keys.find(token.hash), keys.find('unknown'), keys.find('other')])
      await keys.list(token.user_id)
      await keys.noteUses([{ hash: token.hash, at: NOON }])
      await keys.remove(token.user_id, token.id)
      await tasks.deleteAccount(token.user_id, NOON)
    }
    const local = [...remote].filter(([text]) => OF_TOKENS.test(text))
    expect(local).toHaveLength(7)
    for (const [text, runs] of local) {
      const mark = text.includes('create_token') ? 1 : 0
      expect([text, runs.flat()]).toEqual([text, Array(mark * ROUNDS).fill(expect.any(String))])
    }
  })

  test('reads over all users are sent once to each shard, with their limit', async () => {
    const horizon = { tombstones: LATER, records: LATER, revisions: 100 }
    const { length: shards } = await sql`
      select from citus_shards where table_name = 'taskport.users'::regclass`
    const selected = async (read: () => Promise<unknown>): Promise<string[]> => {
      await read()
      expect(about).toBe('all')
      return sent.filter((command) => command.startsWith('issuing SELECT'))
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [read, parts] of [
        [() => tasks.reminders(7), 1],
        [() => hooks.due(7), 1],
        [() => tasks.expired(horizon, 7), 5],
      ] as const) {
        const commands = await selected(read)
        expect(commands).toHaveLength(parts * shards)
        expect(commands.filter((command) => !command.endsWith(`LIMIT '7'::bigint`))).toEqual([])
      }
      expect(await selected(() => tasks.exists(uuid(1)))).toHaveLength(shards)
      expect(await selected(() => tasks.versions(['one', 'other']))).toHaveLength(shards)
    }
  })

  const everything = async (owner: string): Promise<void> => {
    const first = await put(tasks, owner, { title: 'a', due_date: '2026-02-10' })
    const second = await put(tasks, owner, 'b')
    const idempotency = { key: 'k', request: 'r', changes: [], at: NOON }
    await tasks.commit(commitOf(owner, [replacement(second)], { idempotency }))
    const third = await put(tasks, owner, 'c')
    const fourth = await put(tasks, owner, 'd')
    await tasks.commit(commitOf(owner, [replacement(third, 1), removal(fourth, 2)]))
    await tasks.get(owner, first.id)
    await tasks.find(owner, [first.id, second.id])
    await tasks.idempotencyRecord(owner, 'k')
    await tasks.tasksAt(owner, [{ id: first.id, revision: 1 }])
    await tasks.changes(owner, 0, 0, 10)
    await tasks.remindersAfter(owner, 0)
    await tasks.versions([owner])
    for (const sort of SORTS) {
      for (const order of ORDERS) {
        for (const status of STATUSES) {
          const list = taskQuery({ sort, order, status })
          for (const after of [null, positionOf(first, list)]) {
            for (const statement of [listStatement, longStatement]) {
              await query(...statement(owner, list, { limit: 5, after }))
            }
          }
        }
      }
    }
    await tasks.list(owner, taskQuery({ q: 'a' }), WHOLE)
    const webhook = webhookOf(owner)
    await hooks.create(webhook, 5)
    await hooks.get(owner, webhook.id)
    await hooks.list(owner)
    await hooks.replace(webhook)
    await hooks.remove(owner, webhook.id)
    await tasks.purge(owner, { tombstones: LATER, records: LATER, revisions: 0 }, 100)
    await tasks.deleteAccount(owner, LATER)
  }
})

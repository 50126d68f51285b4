import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import fc from 'fast-check'
import { memoryStorage } from '../src/adapters/memory/storage.ts'
import { sqliteStorage } from '../src/adapters/sqlite/storage.ts'
import { parsedLater } from '../src/application/json.ts'
import type { TaskStore } from '../src/application/ports.ts'
import type { Change } from '../src/domain/change.ts'
import { taskQuery } from '../src/domain/task-query.ts'
import { describeOnAnyCitus, freshCitusDatabase } from './support/citus.ts'
import { type Action, device } from './support/device.ts'
import { temporaryFolder } from './support/folder.ts'
import { openHttp } from './support/http.ts'
import { openPostgres } from './support/open-postgres.ts'
import { freshDatabase } from './support/postgres.ts'
import { WHOLE } from './support/tasks.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(120_000)

const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 2 ** 31)
console.log(`convergence: TEST_SEED=${seed}`)

const DEVICES = 3

const action: fc.Arbitrary<Action> = fc.record({
  op: fc.oneof(
    { weight: 4, arbitrary: fc.constant('create' as const) },
    { weight: 4, arbitrary: fc.constant('update' as const) },
    { weight: 3, arbitrary: fc.constant('toggle' as const) },
    { weight: 2, arbitrary: fc.constant('delete' as const) },
    { weight: 2, arbitrary: fc.constant('batch' as const) },
    { weight: 1, arbitrary: fc.constant('disconnect' as const) },
  ),
  pick: fc.nat(1000),
  careful: fc.boolean(),
  /** What becomes of the first attempts: a request lost, an answer lost, an answer not waited for. */
  faults: fc.array(fc.constantFrom('request', 'answer', 'impatience'), { maxLength: 3 }),
})

const plans = fc.array(fc.array(action, { maxLength: 12 }), {
  minLength: DEVICES,
  maxLength: DEVICES,
})

let users = 0

/**
 * Some devices of one user act at once over a bad network, each with its own copy of the tasks that
 * follows the changes. At the end every copy is the server's list, and the changes that were
 * acknowledged are all the changes there are.
 */
const converge = async (tasks: TaskStore, actions: readonly Action[][]): Promise<void> => {
  const http = openHttp(tasks, { streams: { heartbeat: 1000 } })
  const user = `user-${++users}`
  const devices = actions.map((own) => device(http, user, own))
  try {
    const acting = Promise.all(devices.map(({ act }) => act()))
    const acknowledged = (
      await within(acting, 'The devices should come to the end of their actions.', 60_000)
    ).flat()

    const whole = await tasks.list(user, taskQuery({ order: 'asc' }), WHOLE)
    const list = whole.tasks.value()
    const { revision } = whole.version
    const copies = await Promise.all(devices.map(({ copyAt }) => copyAt(revision)))
    for (const copy of copies) {
      expect(copy.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...list])
    }
    for (const { outOfOrder } of devices) expect(outOfOrder()).toEqual([])

    const revisions = new Set(acknowledged.map((change) => change.revision))
    expect([...revisions].sort((a, b) => a - b)).toEqual(
      Array.from({ length: revision }, (_, n) => n + 1),
    )
    const last = new Map<string, Change>()
    for (const change of acknowledged.toSorted((a, b) => a.revision - b.revision)) {
      last.set(change.op === 'upsert' ? change.task.id : change.id, change)
    }
    const left = [...last.values()].flatMap((change) =>
      change.op === 'upsert' ? [change.task] : [],
    )
    expect(left.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([...list])
  } finally {
    for (const { close } of devices) close()
    http.endStreams()
  }
}

const check = (tasks: TaskStore, numRuns: number) =>
  fc.check(
    fc.asyncProperty(plans, (actions) => converge(tasks, actions)),
    { seed, numRuns, endOnFailure: true },
  )

const holds = async (tasks: TaskStore, numRuns: number): Promise<void> => {
  const result = await check(tasks, numRuns)
  if (result.failed) {
    throw new Error(fc.defaultReportMessage(result), { cause: result.errorInstance })
  }
}

describe('all devices end with what the server has, nothing doubled, lost or out of order', () => {
  const closers: (() => unknown)[] = []
  afterAll(() => Promise.all(closers.map((close) => close())))

  test('memory', () => holds(memoryStorage().tasks, 60))

  test('sqlite', () => {
    const { tasks, close } = sqliteStorage(join(temporaryFolder(), 'taskport.db'))
    closers.push(close)
    return holds(tasks, 30)
  })

  const onPostgres = async (url: string, sharding: 'none' | 'citus'): Promise<void> => {
    const { tasks, close } = await openPostgres(url, { sharding })
    closers.push(close)
    return holds(tasks, 30)
  }

  test('postgres', async () => onPostgres(await freshDatabase(), 'none'))

  describeOnAnyCitus('sharded', () => {
    test('postgres on Citus', async () => onPostgres(await freshCitusDatabase(), 'citus'))
  })
})

describe('it would be noticed', () => {
  const caught = async (tasks: TaskStore): Promise<void> => {
    const { failed, errorInstance } = await check(tasks, 60)
    expect([failed, String(errorInstance)]).toEqual([true, expect.stringContaining('toEqual')])
  }

  test('if a key were stored after its effect', () => {
    const whole = memoryStorage().tasks
    return caught({
      ...whole,
      commit: async ({ idempotency, ...commit }) => {
        const result = await whole.commit(commit)
        if (!idempotency || result.status !== 'committed') return result
        await Bun.sleep(1)
        const nothing = { writes: [], log: [], revisionCount: 0, taskCountDelta: 0 }
        await whole.commit({ ...commit, ...nothing, idempotency })
        return result
      },
    })
  })

  test('if the feed went by time instead of by revision', () => {
    const whole = memoryStorage().tasks
    return caught({
      ...whole,
      changes: async (owner, after, deletionsAfter, limit) => {
        const all = await whole.changes(owner, 0, deletionsAfter, 10_000)
        const found = all.changes.value()
        const seen = found.findLast(({ revision }) => revision <= after)
        const since = seen?.op === 'upsert' ? seen.task.updated_at : ''
        const later = found.filter(
          (change) => change.op === 'delete' || change.task.updated_at > since,
        )
        const shown = later.slice(0, limit)
        const changes = parsedLater<Change[]>(JSON.stringify(shown))
        return {
          ...all,
          changes,
          last: shown.at(-1)?.revision,
          more: later.length > limit,
        }
      },
    })
  })

  test('if a deletion left nothing behind', () => {
    const whole = memoryStorage().tasks
    return caught({
      ...whole,
      changes: (owner, after, _, limit) => whole.changes(owner, after, null, limit),
    })
  })
})

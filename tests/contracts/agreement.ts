import { describe, expect, test } from 'bun:test'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import type { Commit } from '../../src/application/ports.ts'
import { decide, type Operation } from '../../src/domain/changeset.ts'
import { later } from '../../src/domain/due-date.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { TaskId, UserId } from '../../src/domain/task.ts'
import { ORDERS, positionOf, SORTS, taskQuery } from '../../src/domain/task-query.ts'
import { countingIds, foundOf, NOON, ROOM, someone, WHOLE } from '../support/tasks.ts'
import { webhookOf } from '../support/webhooks.ts'
import type { Storage, Suite } from './storage.ts'

const MINUTE = 60_000
const STEPS = 400
const KEYS = 40

type Seen = { id: TaskId; revision: number }

/** Everything that can be read of an owner but the names of timelines. */
const readAll = async (
  { tasks, webhooks }: Storage,
  owner: UserId,
  seen: readonly Seen[],
): Promise<unknown[]> => {
  const all: unknown[] = []
  for (const sort of SORTS) {
    for (const order of ORDERS) {
      for (const filter of [{}, { status: 'pending' }, { q: 'b', due_after: '2026-02-11' }]) {
        const query = taskQuery({ sort, order, ...filter })
        const { last, ...first } = await tasks.list(owner, query, { limit: 3, after: null })
        const after = last ? positionOf(last, query) : null
        const rest = await tasks.list(owner, query, { ...WHOLE, after })
        all.push(first.tasks.text(), first.more, rest.tasks.text(), rest.version.revision)
      }
    }
  }
  for (const after of [0, 5, 20, 60]) {
    const feed = await tasks.changes(owner, after, after, 7)
    all.push(feed.changes.text(), feed.last, feed.more, feed.revision, feed.compactedRevision)
    all.push(await tasks.remindersAfter(owner, after))
  }
  all.push(feedTimes((await tasks.changes(owner, 0, 0, 1)).timelines))
  const reminders = await tasks.reminders(100_000)
  all.push(
    reminders
      .filter((each) => each.owner === owner)
      .map(({ id, at }) => `${at} ${id}`)
      .sort(),
  )
  for (let key = 0; key < KEYS; key++) all.push(await tasks.idempotencyRecord(owner, `${key}`))
  all.push(await webhooks.list(owner))
  const { tasks: present } = await tasks.list(owner, taskQuery({ order: 'asc' }), WHOLE)
  for (const { id } of present.value()) all.push((await tasks.get(owner, id))?.recordedAt)
  const past = await tasks.tasksAt(owner, seen)
  all.push(past.sort((a, b) => a.revision - b.revision))
  return all
}

const feedTimes = (timelines: readonly { revision: number; at: string }[]): string[] =>
  timelines.map(({ revision, at }) => `${revision} ${at}`)

export const agreementContract: Suite = (opened) => {
  describe('any sequence of steps', () => {
    test.each([3, 11])('has the same results as in memory (seed %i)', async (start) => {
      let seed = start
      const random = (below: number): number => {
        seed = (seed * 48_271) % 2_147_483_647
        return seed % below
      }
      const storages: Storage[] = [memoryStorage(), opened()]
      const owners = [someone(), someone()]
      const known = new Map<UserId, string[]>(owners.map((owner) => [owner, []]))
      const seen = new Map(owners.map((owner) => [owner, new Map<string, Seen>()]))
      const newId = countingIds()
      let now = NOON

      const operation = (owner: UserId): Operation => {
        const ids = known.get(owner) ?? []
        const id = ids[random(ids.length)]
        const time = later(now, (random(10) - 3) * MINUTE)
        const patch = {
          title: ['a', 'B', 'Á b', 'c'][random(4)] ?? '',
          due_date: random(2) ? null : later(NOON, random(3) * 1440 * MINUTE),
          remind_at: random(2) ? null : time,
        }
        const kind = random(6)
        if (id === undefined || kind < 2) return { op: 'create', draft: patch }
        if (kind === 2) return { op: 'update', id, patch, precondition: 'any' }
        if (kind === 3) return { op: 'complete', id, precondition: 'any' }
        if (kind === 4) return { op: 'remind', id, precondition: 'any' }
        return { op: 'delete', id, precondition: 'any' }
      }

      /** Decided once, on what is in memory. */
      const nextCommit = async (owner: UserId): Promise<Commit | undefined> => {
        const stored = await storages[0]?.tasks.find(owner, known.get(owner) ?? [])
        for (const { document } of stored ?? []) {
          const { id, revision } = document.value()
          seen.get(owner)?.set(`${id} ${revision}`, { id, revision })
        }
        const stale = random(8) === 0 ? 1 : 0
        const found = foundOf(
          (stored ?? []).map(({ version, ...task }) => ({
            ...task,
            version: { ...version, revision: version.revision - stale },
          })),
        )
        if (random(10) > 0) known.set(owner, [...found.keys()])
        const operations = Array.from({ length: 1 + random(4) }, () => operation(owner))
        const key = random(100)
        try {
          const { changes: _, ...changeset } = decide(operations, found, { owner, now, newId })
          for (const write of changeset.writes) {
            if (write.op === 'create') known.get(owner)?.push(write.task.id)
          }
          const idempotency = { key: `${key}`, request: '', at: now, changes: [] }
          // A commit that is refused for two reasons may be refused for either.
          const quota = stale || key < KEYS ? 1000 : 8
          const commit = { ...changeset, owner, at: now, ...ROOM, quota }
          return key < KEYS ? { ...commit, idempotency } : commit
        } catch (error) {
          if (error instanceof DomainError) return undefined
          throw error
        }
      }

      const both = async (step: (storage: Storage) => Promise<unknown>): Promise<void> => {
        const [expected, actual] = await Promise.all(
          storages.map((storage) =>
            step(storage).catch((error: unknown) =>
              error instanceof DomainError ? error.kind : Promise.reject(error),
            ),
          ),
        )
        expect(actual).toEqual(expected)
      }

      for (let n = 0; n < STEPS; n++) {
        now = later(now, random(3) * MINUTE)
        const owner = owners[random(2)] ?? ''
        const kind = random(40)
        const horizon = {
          tombstones: later(now, -30 * MINUTE),
          records: later(now, -10 * MINUTE),
          revisions: 1000,
        }
        if (kind === 0) await both(({ tasks }) => tasks.purge(owner, horizon, 1000))
        else if (kind === 1) {
          const webhook = webhookOf(owner, { disabled: random(2) ? 'gone' : null })
          await both(({ webhooks }) => webhooks.create(webhook, 3))
        } else if (kind === 2) {
          const [first] = (await storages[0]?.webhooks.list(owner)) ?? []
          await both(({ webhooks }) => webhooks.remove(owner, first?.id ?? 'none'))
        } else if (n === STEPS / 2) {
          await both(({ tasks }) => tasks.deleteAccount(owner, later(now, -29 * MINUTE)))
        } else {
          const commit = await nextCommit(owner)
          if (commit) {
            await both(async ({ tasks }) => {
              const { timeline: _, ...result } = { timeline: '', ...(await tasks.commit(commit)) }
              return result
            })
          }
        }
        if (n % 20 === 0 || n === STEPS - 1) {
          for (const each of owners) {
            const pairs = [...(seen.get(each)?.values() ?? [])].slice(-50)
            await both((storage) => readAll(storage, each, pairs))
          }
        }
      }
      const versions = await storages[0]?.tasks.versions(owners)
      expect(versions?.length).toBeGreaterThan(0)
    })
  })
}

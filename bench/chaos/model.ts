import type { Change, Task } from '../../client/index.ts'
import type { Report } from './report.ts'

/** The last known change of a task; no task when it was deleted. */
type Last = Readonly<{ revision: number; task?: Task }>

export type Model = ReturnType<typeof createModel>

/** What the server has promised one user. Every revision must come from one acknowledged change. */
export const createModel = (user: string, report: Report) => {
  const last = new Map<string, Last>()
  /** Of acknowledged changes, and of tasks that were read, since the last comparison. */
  const acknowledged = new Map<number, Last>()
  const seen = new Map<number, Task>()
  const deleted = new Set<string>()
  const missing = new Set<string>()
  let compared = 0
  let highest = 0

  const violate = (rule: string, detail: string) => report.violate(rule, `${user}: ${detail}`)
  const same = (a: unknown, b: unknown): boolean => Bun.deepEquals(a, b)

  const record = (id: string, change: Last): void => {
    acknowledged.set(change.revision, change)
    highest = Math.max(highest, change.revision)
    if ((last.get(id)?.revision ?? 0) < change.revision) last.set(id, change)
  }

  const requireOwn = (task: Task): void => {
    if (task.user_id !== user) violate("another user's data", JSON.stringify(task))
  }

  const acknowledge = (change: Change): void => {
    const id = change.op === 'upsert' ? change.task.id : change.id
    const task = change.op === 'upsert' ? change.task : undefined
    if (task) requireOwn(task)
    else deleted.delete(id)
    const known = acknowledged.get(change.revision) ?? last.get(id)
    if (known?.revision === change.revision && !same(known.task, task)) {
      violate('two changes with one revision', `${change.revision} of ${id}`)
    } else if (change.revision <= compared && known?.revision !== change.revision) {
      violate('an old revision was taken', `${change.revision} of ${id}, compared to ${compared}`)
    }
    record(id, { revision: change.revision, ...(task && { task }) })
  }

  /** Every deletion has one revision, which only the feed says for those that returned nothing. */
  const compareFeed = (feed: readonly Change[]): void => {
    let before = compared
    const news = new Map<string, Change>()
    for (const change of feed) {
      const id = change.op === 'upsert' ? change.task.id : change.id
      if (change.revision <= before) violate('the feed is out of order', `${change.revision}`)
      before = change.revision
      if (change.op === 'delete' && deleted.delete(id)) record(id, { revision: change.revision })
      news.set(id, change)
      const { revision, task } = last.get(id) ?? {}
      const shown = change.op === 'upsert' ? change.task : undefined
      if (revision !== change.revision || !same(shown, task)) {
        violate('the feed differs', `${JSON.stringify(change)}, not ${revision} ${task?.title}`)
      }
    }
    for (const [id, { revision, task }] of last) {
      if (revision <= compared || news.has(id)) continue
      violate(`${task ? 'a change' : 'a deletion'} is not in the feed`, `${id} at ${revision}`)
    }
    for (const id of deleted) violate('a deletion is not in the feed', id)
  }

  const compareList = (list: readonly Task[]): void => {
    const ids = new Set(list.map(({ id }) => id))
    for (const task of list) {
      requireOwn(task)
      const expected = last.get(task.id)?.task
      if (!same(expected, task)) {
        violate('a task differs', `${JSON.stringify(task)}, not ${JSON.stringify(expected)}`)
      }
    }
    if (ids.size !== list.length) violate('a task is listed twice', `${list.length - ids.size}`)
    for (const [id, { task }] of last) {
      if (task && !ids.has(id)) violate('an acknowledged task is lost', JSON.stringify(task))
      if (task && missing.has(id)) violate('404 for a task that exists', id)
    }
  }

  const compareRevisions = (revision: number): void => {
    for (let n = compared + 1; n <= revision; n++) {
      if (!acknowledged.has(n)) violate('a change that nobody requested', `revision ${n}`)
    }
    for (const n of acknowledged.keys()) {
      if (n > revision) violate('an acknowledged revision is lost', `${n} of ${revision}`)
    }
    for (const [n, task] of seen) {
      if (!same(acknowledged.get(n)?.task, task)) {
        violate('a task was shown that never was', JSON.stringify(task))
      }
    }
  }

  return {
    acknowledge,
    /** As `DELETE` does, which does not return a revision. */
    acknowledgeDeletion: (id: string): void => void deleted.add(id),
    saw: (task: Task): void => {
      requireOwn(task)
      const known = acknowledged.get(task.revision) ?? last.get(task.id)
      if (known?.revision !== task.revision) seen.set(task.revision, task)
      else if (!same(known.task, task)) violate('a task differs', JSON.stringify(task))
    },
    /** The server says there is no such task. */
    lacks: (id: string): void => void missing.add(id),
    /** The highest revision that was acknowledged. */
    revision: (): number => highest,
    compared: (): number => compared,
    tasks: (): Task[] =>
      [...last].flatMap(([id, { task }]) => (task && !deleted.has(id) ? [task] : [])),
    /** What each task must be since a revision, deleted ones included. */
    since: (revision: number): [string, Last][] =>
      [...last].filter(([, change]) => change.revision > revision),
    /** Call when no request is under way. Afterwards the server is believed. */
    compare: (list: readonly Task[], feed: readonly Change[], revision: number): void => {
      compareFeed(feed)
      compareList(list)
      compareRevisions(revision)
      const gone = [...last].filter(([, { task }]) => !task)
      last.clear()
      for (const [id, change] of gone) last.set(id, change)
      for (const known of [acknowledged, seen, deleted, missing]) known.clear()
      for (const task of list) record(task.id, { revision: task.revision, task })
      compared = revision
      highest = revision
    },
  }
}

import { outOfReach } from '../domain/access.ts'
import type { Change } from '../domain/change.ts'
import { DomainError } from '../domain/errors.ts'
import { inBatch, type Operation, planChanges, settle } from '../domain/plan.ts'
import { parseTaskId, type Task, type TaskId, type UserId } from '../domain/task.ts'
import type { ChangeSignal } from './change-signal.ts'
import { findTask } from './find-task.ts'
import type { Ports, TaskStore } from './ports.ts'

/** A key that makes a request safe to repeat, and what tells that request from others. */
export type Once = Readonly<{
  key: string
  request: string
  /** Told when the request had been carried out before; then that is answered. */
  onReplay?: () => void
}>

/** What a use case that changes tasks needs. */
export type Writing = Pick<Ports, 'tasks' | 'now' | 'newId'> & Pick<ChangeSignal, 'tell'>

export type Terms = Readonly<{
  /** Tasks that the actor may have. */
  quota?: number
  once?: Once | undefined
  /** Whether errors name the operation they are about. */
  batch?: boolean
}>

const ATTEMPTS = 100

/**
 * Reads the tasks that operations are about, decides, and writes everything in one step; starts over
 * when somebody else was faster. What a `once` has done before is answered, and neither done again
 * nor looked into.
 */
export const carryOut = async (
  ports: Writing,
  actor: UserId,
  operations: readonly Operation[],
  terms: Terms,
): Promise<Change[]> => {
  const { once } = terms
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = once && (await replay(ports.tasks, actor, once))
    if (before) return before
    try {
      const changes = await attemptAll(ports, actor, operations, terms)
      if (changes) return changes
    } catch (error) {
      // What stands in the way may be what this very request has done a moment ago.
      const after = once && (await replay(ports.tasks, actor, once))
      if (after) return after
      throw error
    }
  }
  throw new DomainError('unavailable', 'This is changing too fast right now. Try again.')
}

/** Undefined when somebody else was faster. */
const attemptAll = async (
  { tasks, now, newId, tell }: Writing,
  actor: UserId,
  operations: readonly Operation[],
  { quota = 0, once, batch = false }: Terms,
): Promise<Change[] | undefined> => {
  const found = await findAll(tasks, actor, operations, batch)
  const at = now()
  const context = { owner: actor, now: at, newId }
  const { changes, ...plan } = planChanges(operations, found, context, batch)
  if (plan.taken === 0 && !once) return settle(changes, 0)
  const receipt = once && { key: once.key, request: once.request, changes }
  const step = { ...plan, owner: actor, quota, at, ...(receipt && { receipt }) }
  const base = await tasks.write(step)
  if (typeof base !== 'number') return undefined
  tell(actor, base + plan.taken)
  return settle(changes, base)
}

/** Of one operation on one task: the task as it is then. */
export const carryOutOne = async (
  ports: Writing,
  actor: UserId,
  operation: Exclude<Operation, { op: 'delete' }>,
  terms: Terms,
): Promise<Task> => {
  const [change] = await carryOut(ports, actor, [operation], terms)
  if (change?.op !== 'upsert') throw new Error('No task has come of it.')
  return change.task
}

/** Throws for the first operation on a task that the actor does not have. */
const findAll = async (
  tasks: TaskStore,
  actor: UserId,
  operations: readonly Operation[],
  batch: boolean,
): Promise<ReadonlyMap<TaskId, Task>> => {
  const ids = operations.map((operation) =>
    operation.op === 'create' ? undefined : (parseTaskId(operation.id) ?? null),
  )
  const wanted = [...new Set(ids)].filter((id) => typeof id === 'string')
  if (!batch && wanted[0] !== undefined) {
    return new Map([[wanted[0], await findTask(tasks, actor, wanted[0])]])
  }
  const all = wanted.length > 0 ? await tasks.find(actor, wanted) : []
  const found = new Map(all.map((task) => [task.id, task]))
  for (const [n, id] of ids.entries()) {
    if (id === undefined || (id !== null && found.has(id))) continue
    const missing = outOfReach(id !== null && (await tasks.exists(id)))
    throw batch ? inBatch(missing, n) : missing
  }
  return found
}

const replay = async (
  tasks: TaskStore,
  actor: UserId,
  { key, request, onReplay }: Once,
): Promise<Change[] | undefined> => {
  const receipt = await tasks.receipt(actor, key)
  if (!receipt) return undefined
  if (receipt.request !== request) {
    throw new DomainError(
      'key-reused',
      'This Idempotency-Key came with another request before. Use a new key for each request.',
    )
  }
  onReplay?.()
  return settle(receipt.changes, receipt.base)
}

import { unlimited } from '../src/adapters/limits/token-buckets.ts'
import { noTraces } from '../src/adapters/traces/index.ts'
import { execute } from '../src/application/execute.ts'
import type { TaskStore } from '../src/application/ports.ts'
import type { Operation } from '../src/domain/changeset.ts'

/** Reads, decides and commits, as a use case does. */
export const write = (tasks: TaskStore, user: string, operation: Operation): Promise<unknown> => {
  const ports = {
    tasks,
    now: () => new Date().toISOString(),
    newId: () => Bun.randomUUIDv7(),
    wake: () => {},
    notify: () => {},
    traces: noTraces,
    budgets: unlimited,
    quota: { tasks: 100_000, bytes: 1_000_000_000 },
  }
  return execute(ports, user, [operation])
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { LRUCache } from 'lru-cache'
import type { Traces } from '../../application/ports.ts'
import type { Trace } from '../../application/trace.ts'

const REVISIONS_MAX = 10_000
const KEPT_MS = 600_000

/** Remembers the traces of the last 10 000 changes for ten minutes. */
export const rememberTraces = (): Traces & {
  /** Whatever `step` changes, also after an await, belongs to the trace. */
  run<Result>(trace: Trace, step: () => Result): Result
} => {
  const present = new AsyncLocalStorage<Trace>()
  const known = new LRUCache<string, Trace>({ max: REVISIONS_MAX, ttl: KEPT_MS })
  return {
    run: (trace, step) => present.run(trace, step),
    record: (owner, revision, count) => {
      const trace = present.getStore()
      if (!trace) return
      for (let n = 0; n < count; n++) known.set(`${revision - n} ${owner}`, trace)
    },
    of: (owner, revision) => known.get(`${revision} ${owner}`),
  }
}

export const noTraces: Traces = { record: () => {}, of: () => undefined }

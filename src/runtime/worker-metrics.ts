import { type Family, merged, single, textOf, withLabel } from '../adapters/metrics/families.ts'

/** A worker that does not respond within so many milliseconds counts as down. */
const DEADLINE_MS = 1000

type ToWorker = Readonly<{ collect: number }> | Readonly<{ wanted: number; text: string }>

type ToSupervisor =
  | Readonly<{ collect: number; families: readonly Family[] }>
  | Readonly<{ wanted: number }>

export type WorkerProcess = Pick<Bun.Subprocess, 'send' | 'exitCode'>

/** The figures of all workers, each with a label that names its place. */
export const workerMetrics = (count: number, running: ReadonlyMap<string, WorkerProcess>) => {
  const places = Array.from({ length: count }, (_, n) => String(n + 1))
  const pending = new Map<number, (families: readonly Family[]) => void>()
  let calls = 0

  const ask = async (worker: WorkerProcess): Promise<readonly Family[]> => {
    const call = ++calls
    const { promise, resolve } = Promise.withResolvers<readonly Family[]>()
    pending.set(call, resolve)
    const timer = setTimeout(resolve, DEADLINE_MS, [])
    send(worker, { collect: call })
    const families = await promise
    clearTimeout(timer)
    pending.delete(call)
    return families
  }

  const collect = async (place: string): Promise<Family[]> => {
    const worker = running.get(place)
    const families = worker ? await ask(worker) : []
    const help = 'Whether the worker responded.'
    const up = single('gauge', 'taskport_worker_up', help, families.length > 0 ? 1 : 0)
    return [up, ...families].map((family) => withLabel(family, 'worker', place))
  }

  const text = async (): Promise<string> =>
    textOf(merged((await Promise.all(places.map(collect))).flat()))

  return {
    text,
    receive: async (worker: WorkerProcess, message: ToSupervisor): Promise<void> => {
      if ('collect' in message) pending.get(message.collect)?.(message.families)
      else send(worker, { wanted: message.wanted, text: await text() })
    },
  }
}

const send = (worker: WorkerProcess, message: ToWorker): void => {
  if (worker.exitCode === null) worker.send(message)
}

/** Gives a worker's figures to the supervisor. Returns a way to get those of all from it. */
export const supervisedMetrics = (
  families: () => Promise<readonly Family[]>,
): (() => Promise<string>) => {
  const pending = new Map<number, (text: string) => void>()
  let calls = 0
  process.on('message', async (message: ToWorker) => {
    if ('wanted' in message) pending.get(message.wanted)?.(message.text)
    else tell({ collect: message.collect, families: await families() })
  })
  return async () => {
    const wanted = ++calls
    const { promise, resolve } = Promise.withResolvers<string>()
    pending.set(wanted, resolve)
    tell({ wanted })
    return promise.finally(() => pending.delete(wanted))
  }
}

const tell = (message: ToSupervisor): void => {
  if (process.connected) process.send?.(message)
}

import { afterEach, describe, expect, test } from 'bun:test'
import { type ScheduledJob, type Scheduler, scheduler } from '../../src/runtime/scheduler.ts'
import { within } from '../support/wait.ts'

const HOUR = 3_600_000

type Line = { level: string; message: string; job?: string; error?: object }

const open: Scheduler[] = []
afterEach(async () => {
  for (const { stop } of open.splice(0)) await stop(0)
})

/** One job, whose runs can be awaited; `run` gets the number of the run, from 1. */
const watched = (every: number, run: (n: number) => ReturnType<ScheduledJob['run']>) => {
  const lines: Line[] = []
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, ...fields })
  }
  const times: number[] = []
  let news = Promise.withResolvers<void>()
  const job = {
    name: 'job',
    every,
    run: () => {
      times.push(Date.now())
      news.resolve()
      news = Promise.withResolvers()
      return run(times.length)
    },
  } as const
  const started = scheduler([job], {
    info: write('info'),
    debug: write('debug'),
    warn: write('warn'),
    error: write('error'),
  })
  open.push(started)
  started.start()
  const runs = (count: number): Promise<void> => {
    const reached = async (): Promise<void> => {
      while (times.length < count) await news.promise
    }
    return within(reached(), () => `${count} runs, not ${times.length}`, 3000)
  }
  return { ...started, lines, times, runs }
}

const inAWhile = (milliseconds: number): string => new Date(Date.now() + milliseconds).toISOString()

describe('runs', () => {
  test('at once, and again after the interval', async () => {
    const { runs, times } = watched(100, async () => null)
    await runs(3)
    const [first = 0, , third = 0] = times
    expect(third - first).toBeGreaterThanOrEqual(198)
  })

  test('when the job wants to, if that is sooner', async () => {
    let due = ''
    const { runs, times } = watched(HOUR, async (n) => {
      due = n === 1 ? inAWhile(150) : ''
      return due || undefined
    })
    await runs(1)
    const promised = due
    await runs(2)
    expect(new Date(times[1] ?? 0).toISOString() >= promised).toBe(true)
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeLessThan(2000)
  })

  test('at the interval, when the job wants to later', async () => {
    const { runs } = watched(60, async () => inAWhile(HOUR))
    await runs(3)
  })

  test('with a pause, when the job asks for instants that have passed', async () => {
    const { runs, times } = watched(HOUR, async () => inAWhile(-HOUR))
    await runs(4)
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(147)
  })

  test('one at a time; woken during a run, once more after it', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<null>()
    const { runs, times, wake } = watched(HOUR, (n) => (n === 1 ? held : Promise.resolve(null)))
    await runs(1)
    wake('job')
    wake('job', inAWhile(-1))
    expect(times).toHaveLength(1)
    release(null)
    await runs(2)
    wake('job')
    await runs(3)
    expect(times).toHaveLength(3)
  })

  test('when it is woken for an instant, which is never put off', async () => {
    const { runs, times, wake } = watched(HOUR, async () => undefined)
    await runs(1)
    const at = inAWhile(120)
    wake('job', at)
    wake('job', inAWhile(HOUR))
    await runs(2)
    expect(new Date(times[1] ?? 0).toISOString() >= at).toBe(true)
  })

  test('woken before the start, not until then', async () => {
    let count = 0
    const run = async () => {
      count++
      return null
    }
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
    const early = scheduler([{ name: 'early', every: HOUR, run }], log)
    open.push(early)
    early.wake('early')
    expect(count).toBe(0)
    early.start()
    expect(count).toBe(1)
  })
})

describe('failures', () => {
  test('the first of a streak is logged, and its end; each streak by itself', async () => {
    const failing = [2, 3, 5]
    const { runs, lines, status, wake } = watched(40, async (n) => {
      if (n === 4) expect(status()[0]?.failingSince).toBeString()
      if (failing.includes(n)) throw new Error(`run ${n}`)
      return null
    })
    expect(status()).toEqual([{ name: 'job', lastSuccess: null, failingSince: null }])
    await runs(7)
    wake('job')
    expect(lines.map(({ level, job }) => [level, job])).toEqual([
      ['error', 'job'],
      ['info', 'job'],
      ['error', 'job'],
      ['info', 'job'],
    ])
    expect(lines[0]?.error).toMatchObject({ message: 'run 2' })
    expect(status()[0]).toMatchObject({ lastSuccess: expect.any(String), failingSince: null })
  })

  test('of a job that throws at once are caught too', async () => {
    const { runs, lines } = watched(40, (n) => {
      if (n === 1) throw new Error('at once')
      return Promise.resolve(null)
    })
    await runs(3)
    expect(lines).toHaveLength(2)
  })

  test('of a rare job are retried soon, later each time', async () => {
    const { runs, times } = watched(HOUR, async (n) => {
      if (n < 3) throw new Error('not yet')
      return null
    })
    await runs(3)
    const [first = 0, second = 0, third = 0] = times
    expect(third - second).toBeGreaterThan(second - first)
  })
})

describe('stop', () => {
  test('waits for the run under way and starts no other', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<null>()
    const { runs, times, stop, wake } = watched(10, () => held)
    await runs(1)
    let stopped = false
    const stopping = stop().then(() => {
      stopped = true
    })
    wake('job')
    await Promise.resolve()
    expect(stopped).toBe(false)
    release(null)
    await stopping
    wake('job')
    expect(times).toHaveLength(1)
  })

  test('for at most its grace', async () => {
    const { runs, stop } = watched(10, () => new Promise(() => {}))
    await runs(1)
    const began = Date.now()
    await stop(100)
    expect(Date.now() - began).toBeLessThan(2000)
  })
})

export type Report = ReturnType<typeof createReport>

type Violation = { count: number; example: string; during: Set<string> }
type Disturbance = { times: number; repeated: number; recovery: number }

/** That the p99 of a well-behaved user may take in a quiet phase. */
const P99_LIMIT_MS = 1000
/** Fewer of a request have no p99 to judge. */
const SAMPLES = 100
const MEMORY_LIMIT_MB = 600

type Cells = readonly (string | number)[]

const table = (head: Cells, rows: readonly Cells[]): void => {
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`)
  console.log('')
}

const entryOf = <Value>(all: Map<string, Value>, name: string, fresh: Value): Value => {
  const value = all.get(name) ?? fresh
  all.set(name, value)
  return value
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** What is measured and what is wrong on one storage. */
export const createReport = (storage: string) => {
  const violations = new Map<string, Violation>()
  const latencies = new Map<string, number[]>()
  const disturbances = new Map<string, Disturbance>()
  const counts = new Map<string, number>()
  let faults = 'none'
  let memory = 0

  const violate = (rule: string, detail: string): void => {
    if (!violations.has(rule)) console.log(`  VIOLATION ${rule}: ${detail} (${faults})`)
    const violation = entryOf(violations, rule, { count: 0, example: detail, during: new Set() })
    violation.count++
    violation.during.add(faults)
  }
  const disturbance = (): Disturbance =>
    entryOf(disturbances, faults, { times: 0, repeated: 0, recovery: 0 })

  const judgeLatency = (request: string, times: number[]): Cells => {
    times.sort((a, b) => a - b)
    const [p50 = 0, p99 = 0, most = 0] = [0.5, 0.99, 1].map((share) => percentile(times, share))
    if (times.length >= SAMPLES && p99 > P99_LIMIT_MS) {
      violate('slow in quiet phases', `p99 of ${request} is ${p99.toFixed(0)} ms`)
    }
    return [request, times.length, ...[p50, p99, most].map((time) => time.toFixed(1))]
  }

  return {
    violate,
    count: (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1),
    /** What follows is listed with these faults. */
    during: (names: string): void => {
      faults = names
    },
    latency: (request: string, milliseconds: number): void =>
      void entryOf(latencies, request, []).push(milliseconds),
    /** A request of a well-behaved user had no outcome. */
    repeats: (): void => void disturbance().repeated++,
    recovered: (milliseconds: number): void => {
      const current = disturbance()
      current.times++
      current.recovery = Math.max(current.recovery, milliseconds)
    },
    memory: (megabytes: number): void => {
      memory = Math.max(memory, megabytes)
    },
    /** Prints everything; returns the number of rules that were violated. */
    print: (): number => {
      faults = 'all'
      console.log(`\n### ${storage}\n`)
      table(
        ['request in quiet phases', 'number', 'p50 ms', 'p99 ms', 'max ms'],
        [...latencies].map(([request, times]) => judgeLatency(request, times)),
      )
      table(
        ['faults', 'times', 'requests repeated', 'recovered within, ms'],
        [...disturbances].map(([names, { times, repeated, recovery }]) => [
          ...[names, times, repeated],
          recovery.toFixed(0),
        ]),
      )
      const totals = [...counts].map(([name, count]) => `${count} ${name}`).join(', ')
      console.log(`${totals}. Largest process: ${memory.toFixed(0)} MB.\n`)
      if (memory > MEMORY_LIMIT_MB) violate('too much memory', `${memory.toFixed(0)} MB`)
      if (violations.size > 0) {
        table(
          ['violation', 'times', 'first', 'during'],
          [...violations].map(([rule, { count, example, during }]) => [
            ...[rule, count, example.replaceAll(/[|\n]/g, ' ').slice(0, 300)],
            [...during].slice(0, 6).join('; '),
          ]),
        )
      }
      return violations.size
    },
  }
}

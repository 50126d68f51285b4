import { labels, type Sample } from './families.ts'

/** Counts durations in seconds. */
export type Histogram = Readonly<{
  observe(seconds: number): void
  /** Buckets are cumulative. */
  samples(own?: Readonly<Record<string, string>>): Sample[]
}>

/** `bounds` ascend. */
export const histogram = (bounds: readonly number[]): Histogram => {
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  return {
    observe: (seconds) => {
      let n = 0
      while (n < bounds.length && seconds > (bounds[n] as number)) n++
      counts[n] = (counts[n] as number) + 1
      sum += seconds
    },
    samples: (own = {}) => {
      let count = 0
      const buckets = [...counts].map((value, n): Sample => {
        count += value
        const le = n < bounds.length ? String(bounds[n]) : '+Inf'
        return { suffix: '_bucket', labels: labels({ ...own, le }), value: count }
      })
      const series = labels(own)
      return [
        ...buckets,
        { suffix: '_sum', labels: series, value: sum },
        { suffix: '_count', labels: series, value: count },
      ]
    },
  }
}

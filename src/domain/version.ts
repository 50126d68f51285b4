import type { Revision } from './task.ts'

/**
 * A revision and the timeline it was taken in. A timeline begins when the database may have been put
 * back to an earlier state, so one version never names two states. A timeline's name has 1 to 32
 * letters a to z and digits; it is empty before an owner's first change.
 */
export type Version = Readonly<{ revision: Revision; timeline: string }>

/** `41.k3f9a`; the bare revision without a timeline. */
export const formatVersion = ({ revision, timeline }: Version): string =>
  timeline === '' ? String(revision) : `${revision}.${timeline}`

/** A timeline, the first revision that was taken in it, and when it began. */
export type Timeline = Readonly<{ name: string; revision: Revision; at: string }>

/** The timeline of a revision; null when it is unknown, as before the first change. */
export const timelineAt = (timelines: readonly Timeline[], revision: Revision): string | null =>
  timelines.findLast((timeline) => timeline.revision <= revision)?.name ?? null

/** Drops the timelines that had ended before an instant. */
export const keptTimelines = (timelines: readonly Timeline[], since: string): Timeline[] =>
  timelines.filter((_, n) => {
    const next = timelines[n + 1]
    return next === undefined || next.at >= since
  })

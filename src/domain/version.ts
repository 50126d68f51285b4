import type { Revision } from './task.ts'

/** A timeline begins when a backup may have been restored: no version ever names two states. */
export type Version = Readonly<{ revision: Revision; timeline: string }>

/** `41.k3f9a`; the bare revision before an owner's first change, which has no timeline. */
export const formatVersion = ({ revision, timeline }: Version): string =>
  timeline === '' ? String(revision) : `${revision}.${timeline}`

/** `revision` is the first that was taken in it. */
export type Timeline = Readonly<{ name: string; revision: Revision; at: string }>

/** Null when it is unknown, as before the first change. */
export const timelineAt = (timelines: readonly Timeline[], revision: Revision): string | null =>
  timelines.findLast((timeline) => timeline.revision <= revision)?.name ?? null

/** Drops the timelines that had ended before an instant. */
export const keptTimelines = (timelines: readonly Timeline[], since: string): Timeline[] =>
  timelines.filter((_, n) => {
    const next = timelines[n + 1]
    return next === undefined || next.at >= since
  })

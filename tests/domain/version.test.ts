import { describe, expect, test } from 'bun:test'
import { type FeedPosition, requireContinuity } from '../../src/domain/change.ts'
import { formatVersion, keptTimelines, timelineAt } from '../../src/domain/version.ts'

const day = (n: number): string => new Date(Date.UTC(2026, 0, n)).toISOString()

const TIMELINES = [
  { name: 'a', revision: 1, at: day(1) },
  { name: 'b', revision: 10, at: day(10) },
  { name: 'c', revision: 10, at: day(20) },
]

test('a version is written with its timeline, if it has one', () => {
  expect(formatVersion({ revision: 41, timeline: 'k3f9a' })).toBe('41.k3f9a')
  expect(formatVersion({ revision: 0, timeline: '' })).toBe('0')
})

test('a revision is of the last timeline that began with it or before', () => {
  expect([0, 1, 9, 10, 99].map((revision) => timelineAt(TIMELINES, revision))).toEqual([
    null,
    'a',
    'a',
    'c',
    'c',
  ])
})

test('a timeline is dropped when the one after it began before an instant, the last one never', () => {
  const kept = (since: string) => keptTimelines(TIMELINES, since).map(({ name }) => name)
  expect(kept(day(10))).toEqual(['a', 'b', 'c'])
  expect(kept(day(11))).toEqual(['b', 'c'])
  expect(kept(day(99))).toEqual(['c'])
  expect(keptTimelines([], day(1))).toEqual([])
})

describe('a position continues', () => {
  const state = { revision: 20, compactedRevision: 5, timelines: TIMELINES }
  const at = (revision: number, more: Partial<FeedPosition> = {}): FeedPosition => ({
    revision,
    timeline: null,
    snapshot: null,
    ...more,
  })

  test.each([
    ['at the newest revision', at(20)],
    ['where the last tombstone was purged', at(5)],
    ['within a snapshot that began later', at(2, { snapshot: 6 })],
    ['in its timeline', at(9, { timeline: 'a' })],
    ['in a later timeline', at(10, { timeline: 'c' })],
  ])('%s', (_, position) => {
    requireContinuity(position, state)
  })

  test.each([
    ['ahead', at(21)],
    ['before a purged tombstone', at(4)],
    ['in a snapshot that began before a purged tombstone', at(2, { snapshot: 4 })],
    ['of a timeline that had ended', at(10, { timeline: 'b' })],
    ['of another timeline', at(20, { timeline: 'x' })],
  ])('not when it is %s', (_, position) => {
    expect(() => requireContinuity(position, state)).toThrow(
      expect.objectContaining({ kind: 'gone' }),
    )
  })
})

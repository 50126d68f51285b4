import { expect, test } from 'bun:test'
import { steadyClock } from '../../src/runtime/clocks.ts'

test('follows the wall clock, and goes on by itself when that is set back', () => {
  let [wall, monotonic] = [Date.parse('2026-02-10T12:00:00Z'), 0]
  const clock = steadyClock(
    () => wall,
    () => monotonic,
  )
  const after = (seconds: number, jump = 0): string => {
    wall += (seconds + jump) * 1000
    monotonic += seconds * 1000
    return clock().slice(11, 19)
  }
  expect(after(1)).toBe('12:00:01')
  expect(after(1, 600)).toBe('12:10:02')
  expect(after(1, -600)).toBe('12:10:03')
  expect(after(60)).toBe('12:11:03')
  expect(after(1, 3600)).toBe('13:01:04')
})

import { describe, expect, test } from 'bun:test'
import { DUE_DATE_HELP, dueKey, instantProblem, parseDueDate } from '../../src/domain/due-date.ts'

describe('parseDueDate', () => {
  test.each([
    ['2026-02-10', '2026-02-10'],
    ['2024-02-29', '2024-02-29'],
    ['1970-01-01', '1970-01-01'],
    ['9999-12-31', '9999-12-31'],
    ['2026-02-10T09:00:00+01:00', '2026-02-10T08:00:00.000Z'],
    ['2026-02-10T09:00:00Z', '2026-02-10T09:00:00.000Z'],
    ['2026-02-10t09:00:00z', '2026-02-10T09:00:00.000Z'],
    ['2026-02-10T23:30:00-05:30', '2026-02-11T05:00:00.000Z'],
    ['2026-01-01T00:00:00+14:00', '2025-12-31T10:00:00.000Z'],
    ['2026-02-10T09:00:00.5Z', '2026-02-10T09:00:00.500Z'],
    ['2026-02-10T09:00:00.123456789Z', '2026-02-10T09:00:00.123Z'],
    ['2026-02-10T09:00:00-00:00', '2026-02-10T09:00:00.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s becomes %s', (given, canonical) => {
    expect(parseDueDate(given)).toBe(canonical)
    expect(parseDueDate(canonical)).toBe(canonical)
  })

  test.each([
    '',
    ' ',
    'tomorrow',
    '2026-02-30',
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-02-00',
    '1969-12-31',
    '0000-01-01',
    '10000-01-01',
    '+002026-02-10',
    '2026-2-1',
    '20260210',
    '2026-02-10 ',
    '2026-02-10T09:00:00',
    '2026-02-10T09:00Z',
    '2026-02-10 09:00:00Z',
    '2026-02-30T09:00:00Z',
    '2026-02-10T24:00:00Z',
    '2026-02-10T09:60:00Z',
    '2026-02-10T09:00:60Z',
    '2026-02-10T09:00:00+24:00',
    '2026-02-10T09:00:00+01:60',
    '2026-02-10T09:00:00+0100',
    '2026-02-10T09:00:00.Z',
    '1970-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '2026-02-10T09:00:00[Europe/Berlin]',
    '２０２６-02-10',
    '2026-02-10\n',
  ])('refuses %j', (given) => {
    expect(parseDueDate(given)).toBeUndefined()
  })
})

test.each(['2026-02-10T09:00', '2026-02-10T09:00:30', '2026-02-10T09:00:30.5'])(
  '%s, of a datetime-local input, is refused with the way to convert it',
  (given) => {
    expect(parseDueDate(given)).toBeUndefined()
    expect(instantProblem(given, DUE_DATE_HELP)).toContain('new Date(value).toISOString()')
    expect(parseDueDate(new Date(given).toISOString())).toBeDefined()
  },
)

test('of everything else, the format is shown', () => {
  for (const given of ['tomorrow', '2026-02-10 09:00', '2026-02-30T09:00:00Z'])
    expect(instantProblem(given, DUE_DATE_HELP)).toBe(DUE_DATE_HELP)
})

test('an all-day date sorts after every instant of its day and before the next day', () => {
  const keys = ['2026-02-10T23:59:59.999Z', '2026-02-10', '2026-02-11T00:00:00.000Z'].map(dueKey)
  expect(keys.toSorted()).toEqual(keys)
})

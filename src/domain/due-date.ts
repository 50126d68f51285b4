/** RFC 3339 in UTC with milliseconds and `Z`: `2026-02-10T08:00:00.000Z`. Sorts as text. */
export type Instant = string

export const earlier = (instant: Instant, milliseconds: number): Instant =>
  new Date(Date.parse(instant) - milliseconds).toISOString()

export const later = (instant: Instant, milliseconds: number): Instant =>
  earlier(instant, -milliseconds)

/** An `Instant`, or an all-day date `2026-02-10` (RFC 3339 full-date), which no time zone moves. */
export type DueDate = string

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

const EARLIEST = Date.UTC(1970, 0, 1)
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
const DAY_LENGTH = '2026-02-10'.length

export const INSTANT_HELP =
  'must be a time with its offset (2026-02-10T09:00:00+01:00), between the years 1970 and 9999.'

export const DUE_DATE_HELP =
  'must be a date (2026-02-10) or a time with its offset (2026-02-10T09:00:00+01:00), between the years 1970 and 9999.'

/** What the `datetime-local` input of a browser gives. */
const LOCAL = /^\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/

const NO_OFFSET =
  'must have its offset from UTC (2026-02-10T09:00:00+01:00). In a browser, send new Date(value).toISOString().'

/** `help`, unless the text is a local time, for which there is better help. */
export const instantProblem = (text: string, help: string): string =>
  LOCAL.test(text) ? NO_OFFSET : help

/** Canonical (UTC, cut to milliseconds); undefined for what does not exist in 1970-9999. */
export const parseDueDate = (text: string): DueDate | undefined => {
  const day = DATE.exec(text)
  if (day) return midnight(day) === undefined ? undefined : text
  return parseInstant(text)
}

export const parseInstant = (text: string): Instant | undefined => {
  const match = INSTANT.exec(text)
  const start = match ? midnight(match) : undefined
  if (!match || start === undefined) return undefined
  const part = (index: number): number => Number(match[index] ?? 0)
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(9) > 23 || part(10) > 59)
    return undefined
  const offset = (part(9) * 60 + part(10)) * (match[8] === '-' ? -1 : 1)
  const seconds = part(4) * 3600 + (part(5) - offset) * 60 + part(6)
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const time = start + seconds * 1000 + milliseconds
  return time < EARLIEST || time > LATEST ? undefined : new Date(time).toISOString()
}

const midnight = (match: RegExpExecArray): number | undefined => {
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (year < 1970) return undefined
  const time = Date.UTC(year, month - 1, day)
  return new Date(time).toISOString().startsWith(`${match[1]}-${match[2]}-${match[3]}T`)
    ? time
    : undefined
}

/** Compared byte by byte: an all-day date comes after every instant of that day (UTC). */
export const dueKey = (due: DueDate): string => (due.length === DAY_LENGTH ? `${due}T24` : due)

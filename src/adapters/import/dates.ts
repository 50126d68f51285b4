import { type DueDate, parseDueDate } from '../../domain/due-date.ts'

const LOCAL = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?$/
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY_FIRST = /^(\d{1,2}) ([a-z]{3})[a-z]*\.?,? (\d{4})$/
const MONTH_FIRST = /^([a-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})$/

/** A date, a time with its offset, or a local time in a known zone; undefined for anything else. */
export const dueDateOf = (given: string, zone = ''): DueDate | undefined => {
  const text = given.trim()
  const [, date, minutes, seconds = ':00'] = LOCAL.exec(text) ?? []
  if (date !== undefined) return zonedInstant(`${date}T${minutes}${seconds}`, zone)
  return parseDueDate(text) ?? englishDate(text.toLowerCase())
}

const englishDate = (text: string): DueDate | undefined => {
  const [, day, month, year] = DAY_FIRST.exec(text) ?? swapped(MONTH_FIRST.exec(text)) ?? []
  const number = MONTHS.indexOf(month ?? '') + 1
  if (day === undefined || number === 0) return undefined
  return parseDueDate(`${year}-${String(number).padStart(2, '0')}-${day.padStart(2, '0')}`)
}

const swapped = (match: RegExpExecArray | null) => match && [match[0], match[2], match[1], match[3]]

const zonedInstant = (local: string, zone: string): DueDate | undefined => {
  try {
    const { epochMilliseconds } = Temporal.PlainDateTime.from(local).toZonedDateTime(zone)
    return parseDueDate(new Date(epochMilliseconds).toISOString())
  } catch {
    return undefined
  }
}

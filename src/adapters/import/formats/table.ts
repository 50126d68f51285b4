import { Unreadable } from './format.ts'

export type TableRow = Readonly<{ place: number; cells: Readonly<Record<string, string>> }>

/** Rows by the names in the first one, in lower case. */
export const readTable = async (text: string): Promise<TableRow[]> => {
  const { parse } = await import('csv-parse/sync')
  const separator = delimiterOf(text)
  let records: { record: string[]; info: { lines: number } }[]
  try {
    records = parse(text, {
      bom: true,
      delimiter: separator,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as typeof records
  } catch (error) {
    const line = error instanceof Error && 'lines' in error ? `Line ${error.lines}: ` : ''
    throw new Unreadable(`${line}the file is not valid CSV. Save it again as CSV in UTF-8.`)
  }
  const [head, ...rows] = records
  const names = (head?.record ?? []).map((name) => name.trim().toLowerCase())
  return rows.map(({ record, info }) => ({
    place: info.lines,
    cells: Object.fromEntries(record.map((cell, n) => [names[n] ?? `column ${n + 1}`, cell])),
  }))
}

/** Spreadsheets of some languages write semicolons. */
const delimiterOf = (text: string): string => {
  const [head = ''] = text.split('\n', 1)
  return head.includes(',') ? ',' : head.includes(';') ? ';' : head.includes('\t') ? '\t' : ','
}

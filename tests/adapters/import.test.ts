import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { gzipSync, strToU8, zipSync } from 'fflate'
import { importReader } from '../../src/adapters/import/index.ts'
import type { ImportFormat, ImportNote } from '../../src/application/ports.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(30_000)

const read = (format: ImportFormat, text: string | Uint8Array, owner = 'alice') =>
  within(
    importReader()(owner, format, typeof text === 'string' ? strToU8(text) : text),
    `the ${format}`,
  )

/** Drafts with what else is known, and notes as `field: detail @places`. */
const summary = async (format: ImportFormat, text: string | Uint8Array) => {
  const { tasks, notes } = await read(format, text)
  return {
    tasks: tasks.map(({ draft, origin: { completed, created_at } }) => ({
      ...draft,
      ...(completed && { completed }),
      ...(created_at && { created_at }),
    })),
    notes: notes.map(({ field, detail, at }: ImportNote) => `${field}: ${detail} @${at}`),
  }
}

const idsOf = async (format: ImportFormat, text: string, owner?: string) =>
  (await read(format, text, owner)).tasks.map(({ origin }) => origin.id)

describe('todoist', () => {
  const HEAD =
    'TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE,DURATION,DURATION_UNIT\n'

  test('1 is the highest priority; labels stay in the title; what has no place is named', async () => {
    const file = `\uFEFF${HEAD}task,Buy milk @shop,"Two, please",1,1,Ada (1),,2026-12-24,en,Europe/Berlin,None,None
task,b,,2,2,Ada (1),Bob (2),25 Dec 2026,en,,30,minute
section,Later,,,,,,,,,,
task,c,,3,1,,,every monday,en,,,
note,A comment,,,,,,,,,,
task,d,,4,1,,,,,,,
`
    expect(await summary('todoist', file)).toEqual({
      tasks: [
        {
          title: 'Buy milk @shop',
          description: 'Two, please',
          priority: 'high',
          due_date: '2026-12-24',
        },
        { title: 'b', priority: 'medium', due_date: '2026-12-25' },
        { title: 'c', priority: 'low' },
        { title: 'd' },
      ],
      notes: [
        'labels: stay in the title. @2',
        'INDENT: is left out: a subtask becomes a task. @3',
        'RESPONSIBLE: has no place in a task and is left out. @3',
        'DURATION: has no place in a task and is left out. @3',
        'DURATION_UNIT: has no place in a task and is left out. @3',
        'section: is left out: there are no sections. @4',
        'DATE: is not understood: no due date is set. @5',
        'note: is left out: there are no comments. @6',
      ],
    })
  })

  test.each([
    ['2026-07-01 09:00', 'Europe/Berlin', '2026-07-01T07:00:00.000Z'],
    ['2026-12-01T09:00:30', 'Europe/Berlin', '2026-12-01T08:00:30.000Z'],
    // A time that the clock change skips is read with the offset before it.
    ['2026-03-29 02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-07-01 09:00', 'America/Los_Angeles', '2026-07-01T16:00:00.000Z'],
    ['2026-07-01T09:00:00+02:00', '', '2026-07-01T07:00:00.000Z'],
    ['Dec 5, 2026', '', '2026-12-05'],
    ['2026-07-01 09:00', '', undefined],
    ['2026-07-01 09:00', 'Atlantis', undefined],
    ['2026-02-30', '', undefined],
    ['31 Foo 2026', '', undefined],
  ])('the date %p in %p is %p', async (date, zone, due) => {
    const { tasks, notes } = await summary(
      'todoist',
      `${HEAD}task,a,,4,1,,,"${date}",en,${zone},,\n`,
    )
    expect(tasks[0]?.due_date).toBe(due as never)
    expect(notes).toHaveLength(due === undefined ? 1 : 0)
  })
})

test('google: due is midnight UTC and means the date', async () => {
  const list = (items: object[]) => ({ kind: 'tasks#tasks', title: 'My Tasks', items })
  const file = JSON.stringify({
    kind: 'tasks#taskLists',
    items: [
      list([
        {
          kind: 'tasks#task',
          id: 'a',
          title: 'Buy milk',
          notes: 'Two',
          status: 'needsAction',
          due: '2026-12-24T00:00:00.000Z',
          created: '2026-01-02T03:04:05.000Z',
          updated: '2026-01-02T03:04:05.000Z',
          links: [],
        },
        {
          id: 'b',
          title: 'Done',
          status: 'completed',
          completed: '2026-01-03T00:00:00Z',
          parent: 'a',
        },
      ]),
      list([
        { id: 'c', title: ' ' },
        { id: 'd', title: 'x', deleted: true },
      ]),
    ],
  })
  expect(await summary('google', file)).toEqual({
    tasks: [
      {
        title: 'Buy milk',
        description: 'Two',
        due_date: '2026-12-24',
        created_at: '2026-01-02T03:04:05.000Z',
      },
      { title: 'Done', completed: true },
    ],
    notes: [
      'list: is left out: its tasks are imported without it. @1,2',
      'completed: is left out: the time of completion has no place. @2',
      'parent: is left out: a subtask becomes a task. @2',
      'task: is left out: it is deleted or has no title. @3,4',
    ],
  })
})

test('ics: to-dos with dates, times in a zone, priorities; the rest is named', async () => {
  const file = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'BEGIN:VTIMEZONE',
    'TZID:Berlin',
    'BEGIN:STANDARD',
    'DTSTART:19701025T030000',
    'TZOFFSETFROM:+0200',
    'TZOFFSETTO:+0100',
    'END:STANDARD',
    'END:VTIMEZONE',
    'BEGIN:VTODO',
    'UID:1',
    'SUMMARY:Buy milk\\, and bread',
    'DESCRIPTION:Two\\nbottles',
    'DUE;VALUE=DATE:20261224',
    'PRIORITY:1',
    'CREATED:20260102T030405Z',
    'CATEGORIES:home',
    'BEGIN:VALARM',
    'TRIGGER:-PT15M',
    'ACTION:DISPLAY',
    'END:VALARM',
    'END:VTODO',
    'BEGIN:VTODO',
    'UID:2',
    'SUMMARY:In a zone',
    'DUE;TZID=Berlin:20261224T090000',
    'PRIORITY:5',
    'STATUS:COMPLETED',
    'RRULE:FREQ=DAILY',
    'END:VTODO',
    'BEGIN:VTODO',
    'UID:3',
    'SUMMARY:UTC',
    'DUE:20261224T090000Z',
    'PRIORITY:9',
    'END:VTODO',
    'BEGIN:VTODO',
    'UID:4',
    'SUMMARY:Floating',
    'DUE:20261224T090000',
    'END:VTODO',
    'BEGIN:VTODO',
    'UID:5',
    'END:VTODO',
    'BEGIN:VEVENT',
    'UID:6',
    'SUMMARY:Party',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n')
  expect(await summary('ics', file)).toEqual({
    tasks: [
      {
        title: 'Buy milk, and bread',
        description: 'Two\nbottles',
        due_date: '2026-12-24',
        priority: 'high',
        created_at: '2026-01-02T03:04:05.000Z',
      },
      {
        title: 'In a zone',
        due_date: '2026-12-24T08:00:00.000Z',
        priority: 'medium',
        completed: true,
      },
      { title: 'UTC', due_date: '2026-12-24T09:00:00.000Z', priority: 'low' },
      { title: 'Floating', due_date: '2026-12-24' },
    ],
    notes: [
      'CATEGORIES: has no place in a task and is left out. @2',
      'VALARM: has no place in a task and is left out. @2',
      'RRULE: has no place in a task and is left out. @3',
      'DUE: has no time zone: the date is kept, the time left out. @5',
      'VTODO: is left out: it has no SUMMARY. @6',
      'VEVENT: has no place in a task and is left out. @7',
    ],
  })
})

test('todo.txt: priorities, dates, and what stays in the title', async () => {
  const file = `(A) 2026-01-02 Call Zoë +family @phone due:2026-12-24
x 2026-02-03 2026-01-02 Pay rent pri:B
(Z) Sort rec:1w see https://example.com

plain
`
  expect(await summary('todo.txt', file)).toEqual({
    tasks: [
      {
        title: 'Call Zoë +family @phone',
        priority: 'high',
        due_date: '2026-12-24',
        created_at: '2026-01-02T00:00:00.000Z',
      },
      {
        title: 'Pay rent',
        priority: 'medium',
        completed: true,
        created_at: '2026-01-02T00:00:00.000Z',
      },
      { title: 'Sort rec:1w see https://example.com', priority: 'low' },
      { title: 'plain' },
    ],
    notes: [
      'projects and contexts: stay in the title. @1',
      'completion date: is left out. @2',
      'priority: below C becomes low. @3',
      'key:value: stays in the title. @3',
    ],
  })
})

test('csv: columns by name, in any order, with commas or semicolons', async () => {
  const file = `Done;Task;Due;Priority;Colour
yes;Buy milk;2026-12-24;HIGH;red
no;'=1+1;soon;urgent;
maybe;c;;;
`
  expect(await summary('csv', file)).toEqual({
    tasks: [
      { title: 'Buy milk', due_date: '2026-12-24', priority: 'high', completed: true },
      { title: '=1+1' },
      { title: 'c' },
    ],
    notes: [
      'colour: has no place in a task and is left out. @2',
      'priority: is not understood. @3',
      'due_date: is not understood. @3',
      'completed: is not understood. @4',
    ],
  })
})

test('json: an array of tasks; unknown members and webhooks are named', async () => {
  const tasks = JSON.stringify([{ title: 'a', color: 'red', revision: 4, completed: true }])
  expect(await summary('json', tasks)).toEqual({
    tasks: [{ title: 'a', completed: true }],
    notes: ['color: has no place in a task and is left out. @1'],
  })
  const lines = '{"type":"webhook","webhook":{"url":"x"}}\n\n{"title":"b"}\n'
  expect(await summary('json', lines)).toEqual({
    tasks: [{ title: 'b' }],
    notes: ['webhook: is not imported: create it again, for its secret is new. @1'],
  })
})

describe('ids', () => {
  test('follow from the owner and the source, and differ for equal lines', async () => {
    const [a, b, again] = await idsOf('todo.txt', 'a\nb\na\n')
    expect(new Set([a, b, again]).size).toBe(3)
    expect(await idsOf('todo.txt', 'b\nnew\na\na\n')).toEqual([
      b,
      expect.anything(),
      a,
      again,
    ] as never)
    expect((await idsOf('todo.txt', 'a\n', 'bob'))[0]).not.toBe(a as never)
    expect(a).toMatch(/^00000000-0000-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('have the time of creation, but none to come', async () => {
    const [past, future] = await idsOf(
      'json',
      '[{"title":"a","created_at":"2026-01-02T03:04:05.678Z"},{"title":"b","created_at":"9000-01-01T00:00:00Z"}]',
    )
    expect(Number.parseInt((past ?? '').replace('-', '').slice(0, 12), 16)).toBe(
      Date.parse('2026-01-02T03:04:05.678Z'),
    )
    expect(future).toStartWith('00000000-0000-7')
  })
})

describe('archives', () => {
  const csv = strToU8('title\na\n')

  test('of both kinds are unpacked; the files of a ZIP archive count apart', async () => {
    expect((await summary('csv', gzipSync(csv))).tasks).toEqual([{ title: 'a' }])
    const zip = zipSync({ 'one.csv': csv, 'two/two.csv': csv, 'readme.txt': strToU8('x') })
    const { tasks } = await read('csv', zip)
    expect(tasks.map(({ draft }) => draft.title)).toEqual(['a', 'a'])
    expect(new Set(tasks.map(({ origin }) => origin.id)).size).toBe(2)
  })

  test('that would become too large are refused', async () => {
    const large = new Uint8Array(33 * 2 ** 20)
    for (const bytes of [gzipSync(large), zipSync({ 'a.csv': large })]) {
      expect(bytes.byteLength).toBeLessThan(100_000)
      await expect(read('csv', bytes)).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining('more than 32 MB'),
      })
    }
  })
})

test.each<[ImportFormat, string | Uint8Array, string]>([
  ['json', '{', 'Line 1 is not valid JSON. Correct its syntax, or name the format'],
  ['json', '{"title":"a"}\n[1]\n', 'Line 2 must be a JSON object'],
  ['json', '{"title":5}', 'title must be a string'],
  ['json', '{"title":"a","completed":"yes"}', 'completed must be true or false'],
  ['json', '{"type":"export"}\n{"type":"task","task":{"title":"a"}}\n', 'not whole'],
  ['csv', 'name of it\na\n', 'one must be title'],
  ['csv', 'title\n"a\n', 'not valid CSV'],
  ['todoist', 'a,b\n1,2\n', 'TYPE and CONTENT'],
  ['google', '[]', 'must have items'],
  ['google', 'x', 'not valid JSON'],
  ['ics', 'hello', 'not a valid iCalendar'],
  ['todo.txt', '\n', 'no tasks'],
  ['todo.txt', new Uint8Array([0xff, 0xfe, 0x41]), 'not valid UTF-8'],
  ['csv', new Uint8Array([0x50, 0x4b, 3, 4, 1]), 'damaged'],
  ['csv', zipSync({ 'a.txt': strToU8('x') }), 'no file of this format'],
])('%s: %p is refused: %s', async (format, text, message) => {
  await expect(read(format, text)).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringContaining(message),
  })
})

test('a file that takes too long is given up', async () => {
  const reader = importReader({ deadline: 1 })
  await expect(
    within(reader('alice', 'csv', strToU8(`title\n${'a\n'.repeat(500_000)}`)), 'the refusal'),
  ).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('Split it') })
})

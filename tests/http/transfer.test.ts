import { beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { tokenBuckets } from '../../src/adapters/limits/token-buckets.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import type { Task } from '../../src/domain/task.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type Http, json, openHttp } from '../support/http.ts'
import { openPostgres } from '../support/open-postgres.ts'
import { freshDatabase } from '../support/postgres.ts'
import { put, revisionOf } from '../support/tasks.ts'
import { within } from '../support/wait.ts'

setDefaultTimeout(60_000)

type Line = { type: string; task: Task; [member: string]: unknown }

const transfer = (http: Http) => {
  const send = (format: string, file: string | Uint8Array<ArrayBuffer>, as = 'alice', more = '') =>
    within(
      http.call('POST', `/api/import?format=${format}${more}`, { as, raw: file }),
      `the import of ${format}`,
      30_000,
    )
  const counts = async (...call: Parameters<typeof send>) => {
    const response = await send(...call)
    const body = await json(response)
    expect(body).toHaveProperty('found')
    return [body.found, body.created, body.unchanged]
  }
  const text = async (as = 'alice', search = ''): Promise<string> =>
    (await within(http.call('GET', `/api/export${search}`, { as }), 'the export')).text()
  const lines = async (as?: string): Promise<Line[]> =>
    (await text(as))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  return { send, counts, text, lines }
}

let storage: ReturnType<typeof memoryStorage>
let http: Http
beforeEach(() => {
  storage = memoryStorage()
  http = openHttp(storage.tasks, { webhooks: storage.webhooks })
})

const edit = (id: string, body: object) => http.call('PATCH', `/api/tasks/${id}`, { body })

describe('export', () => {
  test('has tasks, webhooks without secrets, and an end', async () => {
    const webhook = { url: 'https://hooks.example.com/a', events: ['task.changed'] }
    const { secret } = await json(http.call('POST', '/api/webhooks', { body: webhook }))
    const a = await put(storage.tasks, 'alice', { title: 'a', description: 'x\ny,]' })
    const b = await put(storage.tasks, 'alice', { title: '[b]' })
    await put(storage.tasks, 'bob', { title: 'of bob' })
    const response = await http.call('GET', '/api/export')
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment; filename="taskport-\d{4}-\d\d-\d\d\.ndjson"$/,
    )
    const whole = await response.text()
    expect(whole).not.toContain(secret)
    const [begin, hook, ...rest] = await transfer(http).lines()
    expect(begin).toMatchObject({ type: 'export', user_id: 'alice' })
    expect(begin?.['version']).toMatch(/^2\./)
    expect(hook).toMatchObject({ type: 'webhook', webhook })
    expect(rest).toEqual([
      { type: 'task', task: a },
      { type: 'task', task: b },
      { type: 'end', tasks: 2, webhooks: 1 } as never,
    ])
    expect((await transfer(http).lines('nobody')).map(({ type }) => type)).toEqual([
      'export',
      'end',
    ])
  })

  test('as CSV, no cell is a formula', async () => {
    const titles = ['=1+1', '+1', '-1', '@a', "'=quoted", 'a "b", c', 'plain', "'plain"]
    for (const title of titles) await put(storage.tasks, 'alice', { title, description: '\t=1\n2' })
    const csv = await transfer(http).text('alice', '?format=csv')
    const [head, ...rows] = csv.trimEnd().split('\r\n')
    expect(head).toStartWith('id,title,description,completed')
    expect(rows).toHaveLength(titles.length)
    for (const row of rows) expect(row).not.toMatch(/(^|,)"?[=+\-@\t]/)
    expect(csv).toContain(`,"''=quoted",`)
    const bob = transfer(http)
    expect(await bob.counts('csv', csv, 'bob')).toEqual([8, 8, 0])
    const copies = (await bob.lines('bob')).filter(({ type }) => type === 'task')
    expect(copies.map(({ task }) => task.title).sort()).toEqual(titles.sort())
    expect(new Set(copies.map(({ task }) => task.description))).toEqual(new Set(['\t=1\n2']))
  })

  test('of many tasks is a stream, whole, and compressed for those who accept it', async () => {
    const path = join(temporaryFolder(), 'tasks.db')
    const opened = sqliteStorage(path)
    const many = openHttp(opened.tasks)
    const { send, lines } = transfer(many)
    const file = Array.from({ length: 2000 }, (_, n) =>
      JSON.stringify({ title: `é${n}`, description: 'ü '.repeat(200) }),
    )
    expect(await json(send('json', file.join('\n')))).toMatchObject({ found: 2000, created: 2000 })
    const all = await lines()
    expect(all).toHaveLength(2002)
    expect(all.at(-1)).toMatchObject({ type: 'end', tasks: 2000 })
    const titles = all.flatMap(({ task }) => task?.title ?? [])
    expect(new Set(titles).size).toBe(2000)
    const packed = await many.call('GET', '/api/export', { headers: { 'accept-encoding': 'gzip' } })
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    const bytes = new Uint8Array(await packed.arrayBuffer())
    expect(gunzipSync(bytes).toString().split('\n')).toHaveLength(2003)
    expect(await json(send('json', bytes, 'bob'))).toMatchObject({ found: 2000, created: 2000 })
    opened.close()
  })
})

const open = {
  memory: async () => ({ ...memoryStorage(), close: () => {} }),
  sqlite: async () => sqliteStorage(join(temporaryFolder(), 'tasks.db')),
  postgres: async () => openPostgres(await freshDatabase()),
}

describe.each(['memory', 'sqlite', 'postgres'] as const)('import on %s', (kind) => {
  test('the same file again changes nothing, also after edits; what was deleted comes back', async () => {
    const opened = await open[kind]()
    const own = openHttp(opened.tasks)
    const { counts, lines } = transfer(own)
    const file = Array.from({ length: 250 }, (_, n) => `${n % 2 ? 'x ' : ''}task ${n}`).join('\n')
    expect(await counts('todo.txt', file, 'alice', '&dry_run=true')).toEqual([250, 250, 0])
    expect(await revisionOf(opened.tasks, 'alice')).toBe(0)
    expect(await counts('todo.txt', file)).toEqual([250, 250, 0])
    const tasks = (await lines()).flatMap(({ task }) => task ?? [])
    expect(tasks.filter(({ completed }) => completed)).toHaveLength(125)
    const [first, second] = tasks.map(({ id }) => id)
    await own.call('PATCH', `/api/tasks/${first}`, { body: { title: 'edited', completed: true } })
    const revision = await revisionOf(opened.tasks, 'alice')
    expect(await counts('todo.txt', file)).toEqual([250, 0, 250])
    expect(await revisionOf(opened.tasks, 'alice')).toBe(revision)
    await own.call('DELETE', `/api/tasks/${second}`)
    expect(await counts('todo.txt', file)).toEqual([250, 1, 249])
    expect(await counts('todo.txt', `${file}\none more`, 'alice')).toEqual([251, 1, 250])
    expect(await counts('todo.txt', file, 'bob')).toEqual([250, 250, 0])
    await opened.close()
  })

  test('several at once make each task once', async () => {
    const opened = await open[kind]()
    const file = Array.from({ length: 150 }, (_, n) => `task ${n}`).join('\n')
    const apps = [openHttp(opened.tasks), openHttp(opened.tasks)].map(transfer)
    const all = await Promise.all([...apps, ...apps].map(({ counts }) => counts('todo.txt', file)))
    expect(all.map(([found]) => found)).toEqual([150, 150, 150, 150])
    expect(await revisionOf(opened.tasks, 'alice')).toBe(150)
    await opened.close()
  })
})

describe('import', () => {
  test('of an export: nothing in the same account, everything in another, with its times', async () => {
    const a = await put(storage.tasks, 'alice', {
      title: 'a',
      description: 'x',
      priority: 'high',
      due_date: '2026-12-24',
      remind_at: '2026-01-01T00:00:00.000Z',
    })
    await edit(a.id, { completed: true })
    const { counts, text, lines } = transfer(http)
    const file = await text()
    expect(await counts('json', file)).toEqual([1, 0, 1])
    expect(await counts('json', file, 'bob')).toEqual([1, 1, 0])
    expect(await counts('json', file, 'bob')).toEqual([1, 0, 1])
    const [, task] = await lines('bob')
    const { id: _, user_id, updated_at, revision, ...same } = a
    expect(task?.task).toMatchObject({ ...same, completed: true, user_id: 'bob' })
    expect(task?.task.id).not.toBe(a.id)
    await http.call('DELETE', `/api/tasks/${a.id}`)
    expect(await counts('json', file)).toEqual([1, 1, 0])
    expect(await counts('json', file)).toEqual([1, 0, 1])
  })

  test('writes nothing when one task is invalid, and names all of them', async () => {
    const { send } = transfer(http)
    const file = `title,due_date\ngood,2026-12-24\n${'x'.repeat(201)},\n" ",\n`
    const response = await send('csv', file)
    expect(response.status).toBe(400)
    expect((await json(response)).errors).toEqual([
      { pointer: '/3/title', detail: 'must have 1 to 200 characters.' },
      { pointer: '/4/title', detail: 'must have 1 to 200 characters.' },
    ])
    expect(await revisionOf(storage.tasks, 'alice')).toBe(0)
  })

  test('stopped by the quota or the budget says how far it came, and goes on from there', async () => {
    const file = Array.from({ length: 250 }, (_, n) => `task ${n}`).join('\n')
    const full = openHttp(storage.tasks, { taskQuota: 220 })
    const refused = await transfer(full).send('todo.txt', file)
    expect(refused.status).toBe(403)
    expect((await json(refused)).detail).toMatch(
      /^200 tasks were imported, then: .*Send the same file/,
    )
    expect(await revisionOf(storage.tasks, 'alice')).toBe(200)
    expect(await transfer(http).counts('todo.txt', file)).toEqual([250, 50, 200])

    // 150 changes at once.
    const spent = tokenBuckets(0.015)
    const slow = await transfer(openHttp(memoryStorage().tasks, { budgets: spent })).send(
      'todo.txt',
      file,
    )
    expect([slow.status, slow.headers.has('retry-after')]).toEqual([429, true])
    expect((await json(slow)).detail).toStartWith('100 tasks were imported, then:')
  })

  test('a bad query, an empty, large or slow file', async () => {
    const { send } = transfer(http)
    for (const search of [
      '',
      '?format=',
      '?format=xml',
      '?format=csv&dry_run=yes',
      '?format=csv&x=1',
    ]) {
      const response = await http.call('POST', `/api/import${search}`, { raw: 'title\na\n' })
      expect([search, response.status]).toEqual([search, 400])
    }
    const named = await http.call('POST', '/api/import?format=xml', { raw: 'title\na\n' })
    expect((await json(named)).errors).toMatchObject([{ parameter: 'format' }])
    const raw = '--b\r\ncontent-disposition: form-data; name=file\r\n\r\ntitle\na\r\n--b--\r\n'
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const form = await http.call('POST', '/api/import?format=csv', { raw, headers })
    expect([form.status, (await json(form)).detail]).toEqual([
      415,
      expect.stringContaining('not a form'),
    ])
    expect((await send('csv', '')).status).toBe(400)
    expect((await send('csv', `title\n${'x'.repeat(8 * 2 ** 20)}`)).status).toBe(413)
    expect((await http.call('GET', '/api/export?format=xml')).status).toBe(400)
    expect(await revisionOf(storage.tasks, 'alice')).toBe(0)
  })
})

import { beforeEach, describe, expect, test } from 'bun:test'
import { type Http, json, openHttp } from '../support/http.ts'
import { emptyStorage } from '../support/storages.ts'

let http: Http

beforeEach(async () => {
  http = openHttp((await emptyStorage()).tasks, { taskQuota: 50 })
})

const create = async (body: object, as = 'alice') =>
  json(http.call('POST', '/api/tasks', { body, as }))

/** The titles of a list. */
const titles = async (search = '', as = 'alice'): Promise<string[]> =>
  (await json(http.call('GET', `/api/tasks${search}`, { as }))).map(
    ({ title }: { title: string }) => title,
  )

describe('create', () => {
  test('returns 201 with the task, Location and ETag', async () => {
    const response = await http.call('POST', '/api/tasks', {
      body: {
        title: '  Buy milk ',
        description: '',
        priority: 'high',
        due_date: '2026-02-10T09:00:00+01:00',
      },
    })
    expect(response.status).toBe(201)
    const task = await json(response)
    expect({ ...task }).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      user_id: 'alice',
      title: 'Buy milk',
      description: '',
      completed: false,
      priority: 'high',
      due_date: '2026-02-10T08:00:00.000Z',
      remind_at: null,
      reminded_at: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: task.created_at,
      revision: 1,
    })
    expect(response.headers.get('location')).toBe(`/api/tasks/${task.id}`)
    expect(response.headers.get('etag')).toMatch(/^"1\.[0-9a-z]{1,32}"$/)
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  test('accepts a task as it was returned, ignoring its read-only fields', async () => {
    const task = await create({ title: 'a', priority: 'low' })
    const copy = await create({ ...task, user_id: 'mallory', id: 7 })
    expect(copy).toMatchObject({ title: 'a', priority: 'low', user_id: 'alice', revision: 2 })
    expect(copy.id).not.toBe(task.id)
  })

  test.each([
    ['no title', {}, ['/title']],
    ['blank title', { title: ' \t' }, ['/title']],
    ['null title', { title: null }, ['/title']],
    ['long title', { title: '𝄞'.repeat(201) }, ['/title']],
    ['number as title', { title: 5 }, ['/title']],
    ['long description', { title: 'a', description: 'x'.repeat(1001) }, ['/description']],
    ['bad priority', { title: 'a', priority: 'urgent' }, ['/priority']],
    ['completed', { title: 'a', completed: true }, ['/completed']],
    ['no such day', { title: 'a', due_date: '2026-02-30' }, ['/due_date']],
    ['no offset', { title: 'a', due_date: '2026-02-10T09:00:00' }, ['/due_date']],
    ['reminder for a day', { title: 'a', remind_at: '2026-02-10' }, ['/remind_at']],
    ['number as reminder', { title: 'a', remind_at: 1 }, ['/remind_at']],
    ['empty due date', { title: 'a', due_date: '' }, ['/due_date']],
    ['number as due date', { title: 'a', due_date: 1 }, ['/due_date']],
    ['NUL', { title: 'a\0b' }, ['/title']],
    ['lone surrogate', { title: 'a', description: '\ud800' }, ['/description']],
    ['unknown member', { title: 'a', colour: 'red', __proto: 1 }, ['/colour', '/__proto']],
    [
      'several',
      { priority: 1, due_date: false, extra: {} },
      ['/title', '/priority', '/due_date', '/extra'],
    ],
  ])('rejects and names the invalid fields: %s', async (_, body, pointers) => {
    const response = await http.call('POST', '/api/tasks', { body })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const problem = await json(response)
    expect(problem).toMatchObject({ type: 'urn:taskport:problem:invalid', status: 400 })
    expect(typeof problem.detail).toBe('string')
    expect(problem.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(
      pointers.toSorted(),
    )
    for (const { detail } of problem.errors) expect(detail).toMatch(/\.$/)
    expect(await titles()).toEqual([])
  })

  test('says how to convert a time without an offset, in a body and in a query', async () => {
    const body = { title: 'a', due_date: '2026-02-10T09:00' }
    const posted = await json(http.call('POST', '/api/tasks', { body }))
    const listed = await json(http.call('GET', '/api/tasks?due_before=2026-02-10T09:00'))
    for (const { status, detail } of [posted, listed]) {
      expect(status).toBe(400)
      expect(detail).toMatch(
        /^due_(date|before) must have .* new Date\(value\)\.toISOString\(\)\.$/,
      )
    }
  })

  test('reports fields of the wrong type and invalid values together', async () => {
    const pointersOf = async (body: object) => {
      const { errors } = await json(http.call('POST', '/api/tasks', { body }))
      return errors.map(({ pointer }: { pointer: string }) => pointer).sort()
    }
    expect(await pointersOf({ title: '', priority: 5, due_date: '2026-02-30' })).toEqual([
      '/due_date',
      '/priority',
      '/title',
    ])
    expect(
      await pointersOf({ description: 'x'.repeat(1001), remind_at: '2026-02-10', id: 1, x: 1 }),
    ).toEqual(['/description', '/remind_at', '/title', '/x'])
  })

  test('a description of 1000 characters outside the basic plane fits, 1001 do not', async () => {
    const description = '😀'.repeat(1000)
    expect(await create({ title: 'a', description })).toMatchObject({ description })
    const { errors } = await json(
      http.call('POST', '/api/tasks', { body: { title: 'a', description: `${description}😀` } }),
    )
    expect(errors).toEqual([
      { pointer: '/description', detail: 'must have at most 1000 characters.' },
    ])
  })

  test.each([['null'], ['[]'], ['"a"'], ['1'], ['']])(
    'rejects a body that is not an object: %s',
    async (raw) => {
      const response = await http.call('POST', '/api/tasks', {
        raw,
        headers: { 'content-type': 'application/json' },
      })
      expect(response.status).toBe(400)
      expect((await json(response)).detail).toBe('The body must be a JSON object.')
    },
  )

  test('a title of 200 characters outside the basic plane fits', async () => {
    expect((await create({ title: '𝄞'.repeat(200) })).title).toBe('𝄞'.repeat(200))
  })

  test('rejects a task over the quota with 403', async () => {
    http = openHttp((await emptyStorage()).tasks, { taskQuota: 1 })
    await create({ title: 'a' })
    const response = await http.call('POST', '/api/tasks', { body: { title: 'b' } })
    expect(response.status).toBe(403)
    expect((await json(response)).type).toEndWith('quota-exceeded')
  })
})

describe('read', () => {
  test('returns the task and its tag, or 304 if the client has it', async () => {
    const { id } = await create({ title: 'a' })
    const response = await http.call('GET', `/api/tasks/${id}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('etag')).toMatch(/^"1\.[0-9a-z]+"$/)
    const tag = response.headers.get('etag') ?? ''
    for (const seen of [tag, `W/${tag}`, `"0", ${tag}`, '*']) {
      const same = await http.call('GET', `/api/tasks/${id}`, {
        headers: { 'if-none-match': seen },
      })
      expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', tag])
    }
    for (const seen of ['"1"', '"1.k3f9a"', '"2"', 'garbage', '1']) {
      const other = await http.call('GET', `/api/tasks/${id}`, {
        headers: { 'if-none-match': seen },
      })
      expect(other.status).toBe(200)
    }
  })

  test("rejects another user's task with 403, an unknown or malformed id with 404", async () => {
    const { id } = await create({ title: 'a' })
    expect((await http.call('GET', `/api/tasks/${id}`, { as: 'bob' })).status).toBe(403)
    for (const missing of [Bun.randomUUIDv7(), 'abc', '%00', `${id}x`]) {
      expect((await http.call('GET', `/api/tasks/${missing}`)).status).toBe(404)
    }
    expect((await http.call('GET', `/api/tasks/${id.toUpperCase()}`)).status).toBe(200)
  })
})

describe.each(['PUT', 'PATCH'])('update by %s', (method) => {
  test('merges: absent stays, null clears', async () => {
    const { id } = await create({
      title: 'a',
      description: 'd',
      priority: 'low',
      due_date: '2026-02-10',
    })
    const response = await http.call(method, `/api/tasks/${id}`, {
      body: { title: 'b', priority: null },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('etag')).toMatch(/^"2\.[0-9a-z]+"$/)
    expect(await json(response)).toMatchObject({
      title: 'b',
      description: 'd',
      priority: null,
      due_date: '2026-02-10',
      revision: 2,
    })
  })

  test('accepts the unchanged task and changes nothing', async () => {
    const task = await create({ title: 'a', due_date: '2026-02-10T09:00:00Z' })
    expect(await json(http.call(method, `/api/tasks/${task.id}`, { body: task }))).toEqual(task)
    const done = await json(
      http.call(method, `/api/tasks/${task.id}`, { body: { ...task, completed: true } }),
    )
    expect(done).toMatchObject({ completed: true, revision: 2 })
  })

  test.each([
    ['null title', { title: null }, '/title'],
    ['null completed', { completed: null }, '/completed'],
    ['text as completed', { completed: 'true' }, '/completed'],
    ['unknown', { done: true }, '/done'],
  ])('rejects invalid fields: %s', async (_, body, pointer) => {
    const { id } = await create({ title: 'a' })
    const response = await http.call(method, `/api/tasks/${id}`, { body })
    expect(response.status).toBe(400)
    expect((await json(response)).errors).toMatchObject([{ pointer }])
  })

  test('reports fields of the wrong type and invalid values together', async () => {
    const { id } = await create({ title: 'a' })
    const body = { title: ' ', completed: 'yes', due_date: '2026-02-30', nothing: 1 }
    const { errors } = await json(http.call(method, `/api/tasks/${id}`, { body }))
    expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/completed',
      '/due_date',
      '/nothing',
      '/title',
    ])
  })

  test('If-Match prevents overwriting an unseen version', async () => {
    const { id } = await create({ title: 'a' })
    const send = (title: string, match: string) =>
      http.call(method, `/api/tasks/${id}`, { body: { title }, headers: { 'if-match': match } })
    expect((await send('b', '"1"')).status).toBe(200)
    for (const stale of ['"1"', 'W/"2"', '"x"', '"02"', '"2.k3f9a"']) {
      const response = await send('lost', stale)
      expect(response.status).toBe(412)
      expect(response.headers.get('etag')).toMatch(/^"2\.[0-9a-z]+"$/)
    }
    const third = await send('c', '"1", "2"')
    expect(third.status).toBe(200)
    expect((await send('d', third.headers.get('etag') ?? '')).status).toBe(200)
    expect((await send('e', '*')).status).toBe(200)
    expect((await send('f', '4')).status).toBe(400)
    expect(await titles()).toEqual(['e'])
  })

  test("rejects another user's task with 403 and leaves it unchanged", async () => {
    const { id } = await create({ title: 'a' })
    expect(
      (await http.call(method, `/api/tasks/${id}`, { as: 'bob', body: { title: 'b' } })).status,
    ).toBe(403)
    expect(await titles()).toEqual(['a'])
  })
})

test('PATCH accepts a merge patch, POST and PUT do not', async () => {
  const { id } = await create({ title: 'a' })
  const send = (method: string, path: string) =>
    http.call(method, path, {
      raw: '{"title":"b"}',
      headers: { 'content-type': 'application/merge-patch+json' },
    })
  expect((await send('PATCH', `/api/tasks/${id}`)).status).toBe(200)
  expect((await send('POST', '/api/tasks')).status).toBe(415)
  expect((await send('PUT', `/api/tasks/${id}`)).status).toBe(415)
})

describe('complete', () => {
  test('toggles without a body and with an empty object', async () => {
    const { id } = await create({ title: 'a' })
    const toggle = async (call = {}) =>
      (await json(http.call('PATCH', `/api/tasks/${id}/complete`, call))).completed
    expect(await toggle()).toBe(true)
    expect(await toggle()).toBe(false)
    expect(await toggle({ body: {} })).toBe(true)
    expect(await toggle({ headers: { 'content-type': 'application/json' } })).toBe(false)
  })

  test('sets the state with a body, idempotently', async () => {
    const { id } = await create({ title: 'a' })
    for (const completed of [true, true, false, false]) {
      expect(
        await json(http.call('PATCH', `/api/tasks/${id}/complete`, { body: { completed } })),
      ).toMatchObject({
        completed,
        revision: completed ? 2 : 3,
      })
    }
  })

  test('rejects any other body, and a stale If-Match', async () => {
    const { id } = await create({ title: 'a' })
    for (const body of [{ completed: null }, { completed: 'yes' }, { done: true }, [], true]) {
      expect((await http.call('PATCH', `/api/tasks/${id}/complete`, { body })).status).toBe(400)
    }
    const headers = { 'if-match': '"9"' }
    expect((await http.call('PATCH', `/api/tasks/${id}/complete`, { headers })).status).toBe(412)
    expect(await json(http.call('GET', `/api/tasks/${id}`))).toMatchObject({
      completed: false,
      revision: 1,
    })
  })
})

describe('delete', () => {
  test('returns 204 without a body, then 404', async () => {
    const { id } = await create({ title: 'a' })
    expect(
      (await http.call('DELETE', `/api/tasks/${id}`, { headers: { 'if-match': '"9"' } })).status,
    ).toBe(412)
    expect((await http.call('DELETE', `/api/tasks/${id}`, { as: 'bob' })).status).toBe(403)
    const response = await http.call('DELETE', `/api/tasks/${id}`, {
      headers: { 'if-match': '"1"' },
    })
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect((await http.call('DELETE', `/api/tasks/${id}`)).status).toBe(404)
    expect(await titles()).toEqual([])
  })
})

describe('list', () => {
  beforeEach(async () => {
    await create({ title: 'banana', priority: 'low', due_date: '2026-02-11' })
    await create({ title: 'Äpfel', description: 'rot & grün', due_date: '2026-02-10T10:00:00Z' })
    const { id } = await create({ title: 'cherry', priority: 'high' })
    await http.call('PATCH', `/api/tasks/${id}/complete`)
  })

  test.each([
    ['', ['cherry', 'Äpfel', 'banana']],
    ['?', ['cherry', 'Äpfel', 'banana']],
    ['?order=asc', ['banana', 'Äpfel', 'cherry']],
    ['?sort=title', ['Äpfel', 'banana', 'cherry']],
    ['?sort=title&order=desc', ['cherry', 'banana', 'Äpfel']],
    ['?sort=due_date', ['Äpfel', 'banana', 'cherry']],
    ['?sort=due_date&order=desc', ['banana', 'Äpfel', 'cherry']],
    ['?status=pending', ['Äpfel', 'banana']],
    ['?status=completed', ['cherry']],
    ['?priority=low', ['banana']],
    ['?q=APFEL', ['Äpfel']],
    ['?q=rot+%26+GRUN', ['Äpfel']],
    ['?due_before=2026-02-11', ['Äpfel']],
    ['?due_after=2026-02-10', ['banana']],
    ['?due_after=2026-02-10T11:00:00%2B02:00&sort=title', ['Äpfel', 'banana']],
  ])('%s', async (search, expected) => {
    expect(await titles(search)).toEqual(expected)
  })

  test('is empty for another user', async () => {
    expect(await titles('', 'bob')).toEqual([])
  })

  test.each([
    ['?colour=red', 'colour'],
    ['?Status=all', 'Status'],
    ['?status=all&status=all', 'status'],
    ['?status=done', 'status'],
    ['?status=', 'status'],
    ['?sort=id', 'sort'],
    ['?order=up', 'order'],
    ['?priority=none', 'priority'],
    ['?limit=0', 'limit'],
    ['?limit=201', 'limit'],
    ['?limit=', 'limit'],
    ['?due_before=2026-02-30', 'due_before'],
    ['?due_after=2026-02-10T11:00:00+02:00', 'due_after'],
    ['?q=%ff', 'q'],
    ['?q=%00', 'q'],
    ['?cursor=abc', 'cursor'],
    ['?cursor=', 'cursor'],
  ])('rejects and names the invalid parameter: %s', async (search, parameter) => {
    const response = await http.call('GET', `/api/tasks${search}`)
    expect(response.status).toBe(400)
    const problem = await json(response)
    expect(problem.errors).toMatchObject([{ parameter }])
    expect(typeof problem.detail).toBe('string')
  })

  const next = (response: Response): string | undefined =>
    /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1]

  test.each(['', '&sort=title', '&sort=due_date&order=desc', '&status=pending&q=a'])(
    'pages follow links to the end%s',
    async (filters) => {
      const seen: string[] = []
      let address: string | undefined = `/api/tasks?limit=1${filters}`
      while (address) {
        const response: Response = await http.call('GET', address)
        expect(response.status).toBe(200)
        seen.push(...(await json(response)).map(({ title }: { title: string }) => title))
        address = next(response)
      }
      expect(seen).toEqual(await titles(filters.replace('&', '?')))
    },
  )

  test('has a link exactly if there are more tasks', async () => {
    for (const [limit, more] of [
      [1, true],
      [2, true],
      [3, false],
      [4, false],
    ] as const) {
      expect(next(await http.call('GET', `/api/tasks?limit=${limit}`)) !== undefined).toBe(more)
    }
    expect(next(await http.call('GET', '/api/tasks'))).toBeUndefined()
  })

  test('a link repeats the parameters, encoded', async () => {
    await create({ title: 'a&b <c> é 😀' })
    await create({ title: 'a&b <c> é 😀' })
    const search = '?q=a%26b+%3Cc%3E+%C3%A9+%F0%9F%98%80&limit=1&sort=title'
    const address = next(await http.call('GET', `/api/tasks${search}`)) ?? ''
    expect(address).toMatch(/^\/api\/tasks\?[\w.%&=+-]+$/)
    const given = new URLSearchParams(address.slice(address.indexOf('?')))
    expect(Object.fromEntries(given)).toEqual({
      sort: 'title',
      limit: '1',
      q: 'a&b <c> é 😀',
      cursor: expect.any(String),
    })
    expect(await json(http.call('GET', address))).toHaveLength(1)
  })

  test('a cursor is valid for one list of one user, and only undamaged', async () => {
    const address = next(await http.call('GET', '/api/tasks?limit=1&sort=title')) ?? ''
    const cursor = new URL(address, 'http://localhost').searchParams.get('cursor') ?? ''
    const ask = async (search: string, as = 'alice') =>
      (await http.call('GET', `/api/tasks?cursor=${encodeURIComponent(cursor)}${search}`, { as }))
        .status
    expect(await ask('&sort=title')).toBe(200)
    expect(await ask('&sort=title&limit=2')).toBe(200)
    for (const other of [
      '',
      '&sort=title&order=desc',
      '&sort=due_date',
      '&sort=title&status=pending',
      '&sort=title&q=a',
      '&sort=title&priority=low',
    ]) {
      expect(await ask(other)).toBe(400)
    }
    expect(await ask('&sort=title', 'bob')).toBe(400)
    for (const damaged of [
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}A`,
      cursor.replace('.', ''),
      'a.W10',
      'a.bnVsbA',
    ]) {
      const response = await http.call(
        'GET',
        `/api/tasks?sort=title&cursor=${encodeURIComponent(damaged)}`,
      )
      expect(response.status).toBe(400)
    }
  })

  test('its tag is a 304 until something changes, and differs by user and query', async () => {
    const tagOf = async (search: string, as = 'alice') =>
      (await http.call('GET', `/api/tasks${search}`, { as })).headers.get('etag') ?? ''
    const tag = await tagOf('')
    expect(tag).toMatch(/^W\/"4\.[0-9a-z]+-/)
    const ask = (search: string, seen: string, as = 'alice') =>
      http.call('GET', `/api/tasks${search}`, { as, headers: { 'if-none-match': seen } })
    const same = await ask('', tag)
    expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', tag])
    expect((await ask('', `"x", ${tag}`)).status).toBe(304)
    const any = await ask('', '*')
    expect([any.status, await any.text(), any.headers.get('etag')]).toEqual([304, '', tag])
    expect((await ask('', '*', 'nobody')).status).toBe(304)
    expect((await ask('?status=pending', tag)).status).toBe(200)
    expect((await ask('', tag, 'bob')).status).toBe(200)
    await create({ title: 'new' })
    expect((await ask('', tag)).status).toBe(200)
    expect(await tagOf('')).not.toBe(tag)
    expect(await tagOf('', 'nobody')).toMatch(/^W\/"0-/)
  })
})

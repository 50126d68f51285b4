import { Database } from 'bun:sqlite'
import postgres from 'postgres'

/**
 * The practical limit to compare with: `Bun.serve` and the driver on the plain table (plain-table.ts),
 * each request one query written by hand; no validation, no authentication (the user is a header), no
 * revisions, no log. `bun bench/baseline.ts <sqlite file or postgres URL>` on PORT.
 */
const place = Bun.argv[2] ?? ''

const COLUMNS =
  'id, user_id, title, description, completed, priority, due_date, created_at, updated_at, revision'
const INSERTED = 'id, user_id, title, completed, created_at, updated_at, revision'

type Row = Record<string, unknown>
type Store = {
  get(user: string, id: string): Promise<Row[]> | Row[]
  list(user: string): Promise<Row[]> | Row[]
  filtered(user: string, priority: string): Promise<Row[]> | Row[]
  since(user: string, revision: number): Promise<Row[]> | Row[]
  create(user: string, id: string, title: string, at: string): Promise<Row[]> | Row[]
  update(user: string, id: string, title: string, at: string): Promise<Row[]> | Row[]
  toggle(user: string, id: string, at: string): Promise<Row[]> | Row[]
  delete(user: string, id: string): Promise<Row[]> | Row[]
}

/** The table wants a number that no two tasks of a user share. */
let revision = 1_000_000

const onPostgres = (): Store => {
  const sql = postgres(place, {
    max: 10,
    fetch_types: false,
    types: { revision: { to: 20, from: [20], serialize: String, parse: Number } },
  })
  const columns = sql.unsafe(COLUMNS)
  const rows = (statement: postgres.PendingQuery<postgres.Row[]>): Promise<Row[]> => statement
  return {
    get: (user, id) =>
      rows(sql`select ${columns} from tasks where user_id = ${user} and id = ${id}`),
    list: (user) =>
      rows(sql`select ${columns} from tasks where user_id = ${user} order by id desc limit 50`),
    filtered: (user, priority) =>
      rows(sql`select ${columns} from tasks where user_id = ${user} and priority = ${priority}
        order by due_date nulls last, id limit 50`),
    since: (user, from) =>
      rows(sql`select ${columns} from tasks where user_id = ${user} and revision > ${from}
        order by revision limit 100`),
    create: (user, id, title, at) =>
      rows(sql`insert into tasks (${sql.unsafe(INSERTED)})
        values (${id}, ${user}, ${title}, false, ${at}, ${at}, ${++revision}) returning ${columns}`),
    update: (user, id, title, at) =>
      rows(sql`update tasks set title = ${title}, updated_at = ${at}
        where user_id = ${user} and id = ${id} returning ${columns}`),
    toggle: (user, id, at) =>
      rows(sql`update tasks set completed = not completed, updated_at = ${at}
        where user_id = ${user} and id = ${id} returning ${columns}`),
    delete: (user, id) =>
      rows(sql`delete from tasks where user_id = ${user} and id = ${id} returning id`),
  }
}

const onSqlite = (): Store => {
  const db = new Database(place, { strict: true })
  db.run('pragma journal_mode = wal')
  db.run('pragma synchronous = full')
  const query = (text: string) => db.query<Row, (string | number)[]>(text)
  const get = query(`select ${COLUMNS} from tasks where user_id = ? and id = ?`)
  const list = query(`select ${COLUMNS} from tasks where user_id = ? order by id desc limit 50`)
  const filtered = query(`select ${COLUMNS} from tasks where user_id = ? and priority = ?
    order by due_date nulls last, id limit 50`)
  const since = query(`select ${COLUMNS} from tasks where user_id = ? and revision > ?
    order by revision limit 100`)
  const create = query(`insert into tasks (${INSERTED})
    values (?, ?, ?, 0, ?, ?, ?) returning ${COLUMNS}`)
  const update = query(`update tasks set title = ?, updated_at = ?
    where user_id = ? and id = ? returning ${COLUMNS}`)
  const toggle = query(`update tasks set completed = not completed, updated_at = ?
    where user_id = ? and id = ? returning ${COLUMNS}`)
  const remove = query('delete from tasks where user_id = ? and id = ? returning id')
  return {
    get: (user, id) => get.all(user, id),
    list: (user) => list.all(user),
    filtered: (user, priority) => filtered.all(user, priority),
    since: (user, from) => since.all(user, from),
    create: (user, id, title, at) => create.all(id, user, title, at, at, ++revision),
    update: (user, id, title, at) => update.all(title, at, user, id),
    toggle: (user, id, at) => toggle.all(at, user, id),
    delete: (user, id) => remove.all(user, id),
  }
}

const store = place.startsWith('postgres:') ? onPostgres() : onSqlite()
const titleOf = async (request: Request): Promise<string> =>
  ((await request.json()) as { title: string }).title
const now = (): string => new Date().toISOString()
const userOf = (request: Request): string => request.headers.get('x-user') ?? ''
const single = ([task]: Row[]): Response =>
  task ? Response.json(task) : new Response(null, { status: 404 })

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env['PORT']),
  routes: {
    '/health': () => Response.json({ status: 'healthy' }),
    '/api/tasks': {
      GET: async (request) => {
        const priority = new URL(request.url).searchParams.get('priority')
        const user = userOf(request)
        return Response.json(await (priority ? store.filtered(user, priority) : store.list(user)))
      },
      POST: async (request) => {
        const id = Bun.randomUUIDv7()
        const [task] = await store.create(userOf(request), id, await titleOf(request), now())
        return Response.json(task, { status: 201 })
      },
    },
    '/api/changes': async (request) => {
      const since = Number(new URL(request.url).searchParams.get('since'))
      return Response.json(await store.since(userOf(request), since))
    },
    '/api/tasks/:id': {
      GET: async (request) => single(await store.get(userOf(request), request.params.id)),
      PUT: async (request) => {
        const title = await titleOf(request)
        return single(await store.update(userOf(request), request.params.id, title, now()))
      },
      DELETE: async (request) => {
        const [task] = await store.delete(userOf(request), request.params.id)
        return new Response(null, { status: task ? 204 : 404 })
      },
    },
    '/api/tasks/:id/complete': {
      PATCH: async (request) =>
        single(await store.toggle(userOf(request), request.params.id, now())),
    },
  },
})

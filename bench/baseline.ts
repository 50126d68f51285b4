import { Database } from 'bun:sqlite'
import postgres from 'postgres'

/**
 * The practical limit to compare with: `Bun.serve` and the driver, the same tables and indexes, each
 * request one query written by hand; no validation, no authentication (the user is a header), no
 * revisions, no log. `bun bench/baseline.ts <sqlite file or postgres URL>` on PORT.
 */
const place = Bun.argv[2] ?? ''

const COLUMNS =
  'id, user_id, title, description, completed, priority, due_date, remind_at, reminded_at, created_at, updated_at, revision'
const INSERTED =
  'id, user_id, title, completed, created_at, updated_at, revision, title_key, search_text'

type Row = Record<string, unknown>
type Store = {
  get(user: string, id: string): Promise<Row | undefined> | Row | null | undefined
  list(user: string): Promise<Row[]> | Row[]
  filtered(user: string, priority: string): Promise<Row[]> | Row[]
  since(user: string, revision: number): Promise<Row[]> | Row[]
  create(user: string, id: string, title: string, at: string): Promise<Row[]> | Row[]
  update(user: string, id: string, title: string, at: string): Promise<Row[]> | Row[]
  toggle(user: string, id: string, at: string): Promise<Row[]> | Row[]
}

/** The tables want a number that no two tasks of a user share. */
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
    get: async (user, id) =>
      (
        await rows(
          sql`select ${columns} from taskport.tasks where user_id = ${user} and id = ${id}`,
        )
      )[0],
    list: (user) =>
      rows(
        sql`select ${columns} from taskport.tasks where user_id = ${user} order by id desc limit 50`,
      ),
    filtered: (user, priority) =>
      rows(sql`select ${columns} from taskport.tasks where user_id = ${user} and priority = ${priority}
        order by coalesce(due_key, '~'), id limit 50`),
    since: (user, from) =>
      rows(sql`select ${columns} from taskport.tasks where user_id = ${user} and revision > ${from}
        order by revision limit 100`),
    create: (user, id, title, at) =>
      rows(sql`insert into taskport.tasks (${sql.unsafe(INSERTED)})
        values (${id}, ${user}, ${title}, false, ${at}, ${at}, ${++revision}, ${title}, ${title})
        returning ${columns}`),
    update: (user, id, title, at) =>
      rows(sql`update taskport.tasks set title = ${title}, title_key = ${title},
        search_text = ${title}, updated_at = ${at}
        where user_id = ${user} and id = ${id} returning ${columns}`),
    toggle: (user, id, at) =>
      rows(sql`update taskport.tasks set completed = not completed, updated_at = ${at}
        where user_id = ${user} and id = ${id} returning ${columns}`),
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
    order by coalesce(due_key, '~'), id limit 50`)
  const since = query(`select ${COLUMNS} from tasks where user_id = ? and revision > ?
    order by revision limit 100`)
  const create = query(`insert into tasks (${INSERTED})
    values (?, ?, ?, 0, ?, ?, ?, ?, ?) returning ${COLUMNS}`)
  const update = query(`update tasks set title = ?, title_key = ?, search_text = ?, updated_at = ?
    where user_id = ? and id = ? returning ${COLUMNS}`)
  const toggle = query(`update tasks set completed = not completed, updated_at = ?
    where user_id = ? and id = ? returning ${COLUMNS}`)
  return {
    get: (user, id) => get.get(user, id),
    list: (user) => list.all(user),
    filtered: (user, priority) => filtered.all(user, priority),
    since: (user, from) => since.all(user, from),
    create: (user, id, title, at) => create.all(id, user, title, at, at, ++revision, title, title),
    update: (user, id, title, at) => update.all(title, title, title, at, user, id),
    toggle: (user, id, at) => toggle.all(at, user, id),
  }
}

const store = place.startsWith('postgres:') ? onPostgres() : onSqlite()
const titleOf = async (request: Request): Promise<string> =>
  ((await request.json()) as { title: string }).title
const now = (): string => new Date().toISOString()

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env['PORT']),
  routes: {
    '/health': () => Response.json({ status: 'healthy' }),
    '/api/tasks': {
      GET: async (request) => {
        const user = request.headers.get('x-user') ?? ''
        const priority = new URL(request.url).searchParams.get('priority')
        return Response.json(await (priority ? store.filtered(user, priority) : store.list(user)))
      },
      POST: async (request) => {
        const user = request.headers.get('x-user') ?? ''
        const id = Bun.randomUUIDv7()
        const [task] = await store.create(user, id, await titleOf(request), now())
        return Response.json(task, { status: 201 })
      },
    },
    '/api/changes': async (request) => {
      const user = request.headers.get('x-user') ?? ''
      const since = Number(new URL(request.url).searchParams.get('since'))
      return Response.json(await store.since(user, since))
    },
    '/api/tasks/:id': {
      GET: async (request) =>
        Response.json(await store.get(request.headers.get('x-user') ?? '', request.params.id)),
      PUT: async (request) => {
        const user = request.headers.get('x-user') ?? ''
        const [task] = await store.update(user, request.params.id, await titleOf(request), now())
        return Response.json(task)
      },
    },
    '/api/tasks/:id/complete': {
      PATCH: async (request) => {
        const user = request.headers.get('x-user') ?? ''
        return Response.json((await store.toggle(user, request.params.id, now()))[0])
      },
    },
  },
})

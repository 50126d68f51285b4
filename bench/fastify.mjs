import { randomUUID } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import pg from 'pg'

/**
 * The peer on Node: Fastify and `pg`, each request one prepared statement written by hand on the plain
 * table (plain-table.ts), with tokens, validation and serialisation by schema as Fastify does them.
 * Statements and schemas are made once. `node bench/fastify.mjs <postgres URL>` on PORT, with the
 * secret of the tokens in JWT_SECRET.
 */
const pool = new pg.Pool({ connectionString: process.argv[2], max: 10, idleTimeoutMillis: 0 })

/** A type array, which is serialised straight on; of `anyOf` every alternative would be validated. */
const nullable = (schema) =>
  Type.Unsafe({
    ...schema,
    type: [schema.type, 'null'],
    ...(schema.enum && { enum: [...schema.enum, null] }),
  })
const oneOf = (...values) => Type.Unsafe({ type: 'string', enum: values })

const fields = {
  title: Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' }),
  description: nullable(Type.String({ maxLength: 1000 })),
  completed: Type.Boolean(),
  priority: nullable(oneOf('low', 'medium', 'high')),
  due_date: nullable(Type.String({ anyOf: [{ format: 'date' }, { format: 'date-time' }] })),
}
const TaskPatch = Type.Partial(Type.Object(fields))
const TaskInput = Type.Object({ ...TaskPatch.properties, title: fields.title })
const Completion = Type.Union([Type.Object({ completed: Type.Boolean() }), Type.Null()])
const Task = Type.Object({
  id: Type.String(),
  user_id: Type.String(),
  title: Type.String(),
  description: nullable(Type.String()),
  completed: Type.Boolean(),
  priority: nullable(Type.String()),
  due_date: nullable(Type.String()),
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
})
const TaskParams = Type.Object({ id: Type.String({ format: 'uuid' }) })
const ListQuery = Type.Object({
  status: Type.Optional(oneOf('all', 'pending', 'completed')),
  priority: Type.Optional(oneOf('low', 'medium', 'high')),
  sort: Type.Optional(oneOf('created', 'title', 'due_date')),
  order: Type.Optional(oneOf('asc', 'desc')),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  offset: Type.Integer({ minimum: 0, default: 0 }),
})

const COLUMNS =
  'id, user_id, title, description, completed, priority, due_date, created_at, updated_at'
const GET = { name: 'get', text: `select ${COLUMNS} from tasks where user_id = $1 and id = $2` }
const CREATE = {
  name: 'create',
  text: `insert into tasks (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    returning ${COLUMNS}`,
}
const COMPLETE = {
  name: 'complete',
  text: `update tasks set completed = coalesce($3, not completed), updated_at = $4
    where user_id = $1 and id = $2 returning ${COLUMNS}`,
}
const DELETE = { name: 'delete', text: 'delete from tasks where user_id = $1 and id = $2' }

const statements = new Map()
const prepared = (name, text) => {
  const known = statements.get(name)
  if (known) return known
  const statement = { name, text: text() }
  statements.set(name, statement)
  return statement
}

const ORDERS = {
  created: (order) => `id ${order}`,
  title: (order) => `lower(title) ${order}, id ${order}`,
  due_date: (order) => `due_date ${order} nulls last, id ${order}`,
}

const listOf = (query) => {
  const { status = 'all', priority, sort = 'created', limit, offset } = query
  const order = query.order ?? (sort === 'created' ? 'desc' : 'asc')
  const statement = prepared(
    `list ${status} ${sort} ${order} ${priority === undefined ? '' : 'priority'}`,
    () => `select ${COLUMNS} from tasks where user_id = $1
      ${status === 'all' ? '' : `and completed = ${status === 'completed'}`}
      ${priority === undefined ? '' : 'and priority = $4'}
      order by ${ORDERS[sort](order)} limit $2 offset $3`,
  )
  return { statement, values: priority ? [limit, offset, priority] : [limit, offset] }
}

/** Sets the fields that are there, so that those absent stay. */
const updateOf = (patch) => {
  const names = Object.keys(fields).filter((name) => patch[name] !== undefined)
  const sets = names.map((name, n) => `${name} = $${n + 4}`)
  const statement = prepared(
    `update ${names}`,
    () => `update tasks set ${['updated_at = $3', ...sets]}
      where user_id = $1 and id = $2 returning ${COLUMNS}`,
  )
  return { statement, values: names.map((name) => patch[name]) }
}

/** Trims the title, and has instants in UTC with milliseconds. */
const clean = (task) => ({
  ...task,
  ...(task.title !== undefined && { title: task.title.trim() }),
  ...(task.due_date?.length > 10 && { due_date: new Date(task.due_date).toISOString() }),
})

const now = () => new Date().toISOString()

/** UUIDv7 (RFC 9562 section 5.7): in the order in which they are made. */
const newId = () => {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

const run = (statement, values) => pool.query({ ...statement, values })

const sendTask = (reply, { rows: [task] }) =>
  task ?? reply.code(404).send({ statusCode: 404, error: 'Not Found', message: 'No such task' })

const tasks = async (app) => {
  app.addHook('onRequest', (request) => request.jwtVerify())
  const one = { params: TaskParams, response: { 200: Task } }

  app.get('/', {
    schema: { querystring: ListQuery, response: { 200: Type.Array(Task) } },
    handler: async ({ user, query }) => {
      const { statement, values } = listOf(query)
      return (await run(statement, [user.sub, ...values])).rows
    },
  })

  app.post('/', {
    schema: { body: TaskInput, response: { 201: Task } },
    handler: async ({ user, body }, reply) => {
      const { title, description, completed, priority, due_date } = clean(body)
      const id = newId()
      const values = [id, user.sub, title, description, completed ?? false, priority, due_date]
      const { rows } = await run(CREATE, [...values, now()])
      reply.code(201).header('location', `/api/tasks/${id}`)
      return rows[0]
    },
  })

  app.get('/:id', {
    schema: one,
    handler: async ({ user, params }, reply) =>
      sendTask(reply, await run(GET, [user.sub, params.id])),
  })

  app.put('/:id', {
    schema: { ...one, body: TaskPatch },
    handler: async ({ user, params, body }, reply) => {
      const { statement, values } = updateOf(clean(body))
      return sendTask(reply, await run(statement, [user.sub, params.id, now(), ...values]))
    },
  })

  app.patch('/:id/complete', {
    schema: { ...one, body: Completion },
    handler: async ({ user, params, body }, reply) =>
      sendTask(reply, await run(COMPLETE, [user.sub, params.id, body?.completed ?? null, now()])),
  })

  app.delete('/:id', {
    schema: { params: TaskParams },
    handler: async ({ user, params }, reply) => {
      const { rowCount } = await run(DELETE, [user.sub, params.id])
      return rowCount ? reply.code(204).send() : sendTask(reply, { rows: [] })
    },
  })
}

const app = Fastify({ logger: false })
await app.register(fastifyJwt, {
  secret: process.env.JWT_SECRET,
  verify: { algorithms: ['HS256'], requiredClaims: ['exp', 'sub'], cache: 10_000 },
})
app.get('/health', {
  schema: { response: { 200: Type.Object({ status: Type.String() }) } },
  handler: async () => ({ status: 'healthy' }),
})
await app.register(tasks, { prefix: '/api/tasks' })
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })

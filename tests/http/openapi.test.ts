import { beforeEach, describe, expect, test } from 'bun:test'
import Ajv2020 from 'ajv/dist/2020'
import addFormats from 'ajv-formats'
import { identityProvider } from '../../src/adapters/identity/index.ts'
import { memoryTaskStore } from '../../src/adapters/memory/task-store.ts'
import { memoryWebhookStore } from '../../src/adapters/memory/webhook-store.ts'
import type { TaskStore, WebhookStore } from '../../src/application/ports.ts'
import { messagesOf } from '../../src/domain/delivery.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { newTask } from '../../src/domain/task.ts'
import { WEBHOOK_EVENTS, type Webhook } from '../../src/domain/webhook.ts'
import { type Call, type Http, json, openHttp } from '../support/http.ts'
import { NOON, uuid } from '../support/tasks.ts'

// biome-ignore lint/suspicious/noExplicitAny: any part of the document, or of an answer
type Json = any

const accounts = identityProvider({
  storage: { kind: 'memory' },
  reached: Promise.resolve(),
  issuer: 'taskport',
  audience: 'taskport',
  secret: 'a secret of the identity provider, 32 bytes',
  baseUrl: 'http://localhost',
  origins: [],
  onDelete: async () => {},
  onError: () => {},
})

/** The server with everything it can have. */
const whole = (): Http => openHttp(memoryTaskStore(), { accounts, trustProxy: 'x-peer' })

const document: Json = await json(whole().call('GET', '/docs/json'))

/** The part that a reference names, or the part itself. */
const follow = (part: Json): Json => {
  if (typeof part?.$ref !== 'string') return part
  const steps: string[] = part.$ref.replace(/^#\//, '').split('/')
  return follow(steps.reduce((at, step) => at?.[step], document))
}

const walk = (part: Json, visit: (part: Json) => void): void => {
  if (typeof part !== 'object' || part === null) return
  visit(part)
  for (const child of Object.values(part)) walk(child, visit)
}

type Operation = { id: string; method: string; path: string; of: Json }

const operations: Operation[] = Object.entries<Json>(document.paths).flatMap(([path, item]) =>
  Object.entries<Json>(item).map(([method, of]) => ({ id: of.operationId, method, path, of })),
)

/** Those that need no session; the others are asked for in their own way. */
const notOfAccounts = operations.filter(({ of }) => of.tags[0] !== 'accounts')

const operation = (id: string): Operation => {
  const found = operations.find((candidate) => candidate.id === id)
  if (!found) throw new Error(`The document has no operation ${id}.`)
  return found
}

/** Judges by the schemas of the document; a keyword that JSON Schema 2020-12 lacks is an error. */
const ajv = addFormats(new Ajv2020({ allErrors: true, strictTypes: false }))
const local = (schema: Json): Json =>
  JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', 'schema:'))
for (const [name, schema] of Object.entries(document.components.schemas))
  ajv.addSchema(local(schema), `schema:${name}`)

const compiled = new Map<string, ReturnType<typeof ajv.compile>>()

/** What is wrong with a value, in the words of the validator; undefined when nothing is. */
const faults = (schema: Json, value: Json): string | undefined => {
  const key = JSON.stringify(schema)
  const validate = compiled.get(key) ?? ajv.compile(local(schema))
  compiled.set(key, validate)
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

describe('the document', () => {
  const text = { type: 'string', minLength: 1 }
  const shape = (required: Json, optional: Json = {}) => ({
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  })
  const map = (names: string, values: Json) => ({
    type: 'object',
    patternProperties: { [names]: values },
    additionalProperties: false,
  })
  const NAME = '^[A-Za-z0-9._-]+$'
  const at = (name: string) => ({ $ref: `#/$defs/${name}` })
  const orReference = (name: string) => ({
    if: { required: ['$ref'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: shape({ $ref: text }),
    else: at(name),
  })
  const content = { content: map('^[a-z]+/[a-z+-]+$', at('media')) }
  const responses = { ...map('^[1-5][0-9]{2}$', orReference('response')), minProperties: 1 }

  const item = map('^(get|put|post|delete|patch)$', {
    ...shape(
      { operationId: text, summary: text, description: text, tags: at('names'), responses },
      {
        parameters: { type: 'array', items: orReference('parameter') },
        requestBody: shape({ required: { type: 'boolean' }, ...content }),
        security: { type: 'array', items: map(NAME, { type: 'array', maxItems: 0 }) },
      },
    ),
  })

  /** OpenAPI 3.1.0 section 4.8, as far as this document goes. */
  const OPENAPI = {
    ...shape(
      {
        openapi: { const: '3.1.0' },
        info: shape({ title: text, version: text, description: text }),
        tags: { type: 'array', items: shape({ name: text, description: text }) },
        paths: map('^/', item),
        webhooks: map(NAME, item),
      },
      {
        components: shape({
          schemas: map(NAME, { type: 'object' }),
          headers: map(NAME, at('header')),
          parameters: map(NAME, at('parameter')),
          responses: map(NAME, at('response')),
          securitySchemes: shape({
            bearer: shape(
              { type: { const: 'http' }, scheme: { const: 'bearer' } },
              { bearerFormat: text, description: text },
            ),
          }),
        }),
      },
    ),
    $defs: {
      names: { type: 'array', minItems: 1, items: text, uniqueItems: true },
      media: shape({ schema: { type: 'object' } }, { example: {} }),
      header: shape(
        { schema: { type: 'object' }, description: text },
        { required: { const: true } },
      ),
      parameter: shape(
        { name: text, in: { enum: ['path', 'query', 'header'] }, schema: { type: 'object' } },
        { description: text, required: { type: 'boolean' } },
      ),
      response: shape(
        { description: text },
        { headers: map(NAME, orReference('header')), ...content },
      ),
    },
  }

  test('has the structure of OpenAPI 3.1', () => {
    expect(faults(OPENAPI, document)).toBeUndefined()
  })

  test('has exactly the routes of the server, the documentation itself left out', () => {
    const served = whole()
      .routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
      .filter((route) => !route.includes(' /docs'))
    const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    expect(documented.length).toBeGreaterThanOrEqual(17)
    expect(documented.toSorted()).toEqual(served.toSorted())
  })

  test('has exactly the messages that webhooks send, as they are sent', () => {
    const task = { ...newTask(uuid(1), 'alice', { title: 'a' }, NOON), revision: 3 }
    const hook = { id: uuid(2), events: [...WEBHOOK_EVENTS] } as unknown as Webhook
    const messages = [
      ...messagesOf(hook, { op: 'upsert', revision: 3, task }, 2, NOON),
      ...messagesOf(hook, { op: 'delete', revision: 4, id: task.id }, undefined, NOON),
      { id: 'msg_1', type: 'ping' as const, timestamp: NOON, data: {} },
    ]
    const types: string[] = messages.map(({ type }) => type)
    expect(types.sort()).toEqual(Object.keys(document.webhooks).sort())
    for (const { id, ...message } of messages) {
      const { content } = document.webhooks[message.type].post.requestBody
      expect(faults(content['application/json'].schema, message)).toBeUndefined()
    }
  })

  test('has nothing of accounts where the server has none', async () => {
    const bare: Json = await json(openHttp(memoryTaskStore()).call('GET', '/docs/json'))
    expect(Object.keys(bare.paths).filter((path) => path.startsWith('/api/auth'))).toEqual([])
    expect(JSON.stringify(bare)).not.toMatch(/accounts|Credentials|too-many-requests'/)
  })

  test('every reference leads somewhere, every component is referred to', () => {
    const used = new Set<string>()
    walk(document, (part) => {
      if (typeof part.$ref !== 'string') return
      used.add(part.$ref)
      expect([part.$ref, typeof follow(part)]).toEqual([part.$ref, 'object'])
    })
    const { securitySchemes, ...components } = document.components
    const made = Object.entries<Json>(components).flatMap(([kind, parts]) =>
      Object.keys(parts).map((name) => `#/components/${kind}/${name}`),
    )
    expect(made.filter((name) => !used.has(name))).toEqual([])
  })

  test('every schema is JSON Schema 2020-12, every example is what its schema says', () => {
    walk(document, (part) => {
      if (part.schema) expect(() => faults(part.schema, null)).not.toThrow()
      if (part.example)
        expect([part.example, faults(part.schema, part.example)]).toContain(undefined)
    })
    for (const schema of Object.values<Json>(document.components.schemas))
      for (const example of schema.examples ?? []) expect(faults(schema, example)).toBeUndefined()
  })

  test.each(operations)('$id is described in full', ({ path, of }) => {
    expect(operations.filter(({ id }) => id === of.operationId)).toHaveLength(1)
    expect(document.tags.map(({ name }: Json) => name)).toContain(of.tags[0])
    const ofTasks = path.startsWith('/api/') && !path.startsWith('/api/auth/')
    expect(of.security).toEqual(ofTasks ? [{ bearer: [] }] : undefined)
    const parameters: Json[] = of.parameters.map(follow)
    const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('header X-Request-Id')
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const required = parameters.filter((parameter) => parameter.required)
    expect(required.map((parameter) => parameter.name)).toEqual(inPath)
    expect(names.filter((name) => name.startsWith('path'))).toHaveLength(inPath.length)
  })
})

const HOOK = { url: 'https://hooks.example.com/', events: ['task.changed'] }

let http: Http
let id: string
let hook: string

beforeEach(async () => {
  http = whole()
  for (const title of ['Buy milk', 'Éclair']) {
    const draft = { title, priority: 'low', due_date: '2026-02-10T09:00:00+01:00' }
    id = (await json(http.call('POST', '/api/tasks', { body: draft }))).id
  }
  await http.call('PATCH', `/api/tasks/${id}/complete`, {
    body: { completed: false },
    headers: { 'idempotency-key': 'used' },
  })
  hook = (await json(http.call('POST', '/api/webhooks', { body: HOOK }))).id
})

type Ask = Call &
  Readonly<{
    via?: Http
    task?: string
    search?: string
    again?: boolean
    twice?: boolean
    deleted?: boolean
    onTask?: object
  }>

/** Asks as the document says, and checks the answer against it. `again` sends the ETag got before. */
const ask = async (
  name: string,
  { via = http, task, search = '', again, twice, deleted, onTask, ...call }: Ask = {},
) => {
  const { method, path } = operation(name)
  const own = path.startsWith('/api/webhooks') ? hook : id
  const address = path.replace('{id}', task ?? own) + search
  const body = onTask && { operations: [{ id, ...onTask }] }
  const send = (headers = call.headers) =>
    via.call(method.toUpperCase(), address, {
      ...call,
      ...(body && { body }),
      ...(headers && { headers }),
    })
  if (deleted) await via.call('DELETE', `/api/tasks/${id}`)
  if (twice) {
    const headers = { ...call.headers, 'idempotency-key': '"twice"' }
    await send(headers)
    const repeated = await send(headers)
    expect(repeated.headers.get('idempotency-replayed')).toBe('true')
    return judge(name, repeated)
  }
  const etag = again && (await send()).headers.get('etag')
  return judge(name, await send(etag ? { 'if-none-match': etag } : undefined))
}

const judge = async (name: string, response: Response) => {
  const { of } = operation(name)
  const documented = follow(of.responses[response.status])
  expect([name, response.status, typeof documented]).toEqual([name, response.status, 'object'])
  conforms(response.headers, documented.headers)
  const body = await textOf(response)
  if (!documented.content) expect(body).toBe('')
  else {
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';')
    expect(Object.keys(documented.content)).toEqual([type])
    if (type === 'text/event-stream') {
      expect(body).toMatch(/^event: current$/m)
      for (const [, data = ''] of body.matchAll(/(?<!current\n)^id: \d+\ndata: (.*)$/gm)) {
        expect(faults(schemaNamed('Change'), JSON.parse(data))).toBeUndefined()
      }
      return { status: response.status, headers: response.headers }
    }
    const closed = { ...documented.content[type].schema, unevaluatedProperties: false }
    expect(faults(closed, JSON.parse(body))).toBeUndefined()
  }
  return { status: response.status, headers: response.headers }
}

const schemaNamed = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

/** Of a stream, what comes until there is no more for now. */
const textOf = async (response: Response): Promise<string> => {
  if (!response.body || !/event-stream/.test(response.headers.get('content-type') ?? '')) {
    return response.text()
  }
  let text = ''
  for await (const chunk of response.body) {
    text += new TextDecoder().decode(chunk)
    if (text.includes('event: current')) break
  }
  return text
}

/** The headers that answers are understood by; the others are the same everywhere. */
const TELLING = [
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'Link',
  'WWW-Authenticate',
  'Retry-After',
  'X-Request-Id',
]

const conforms = (headers: Headers, documented: Json): void => {
  for (const name of TELLING) {
    const value = headers.get(name)
    const header = follow(documented[name])
    if (value === null) expect([name, header?.required]).toEqual([name, undefined])
    else {
      expect([name, typeof header]).toEqual([name, 'object'])
      const typed = header.schema.type === 'integer' ? Number(value) : value
      expect([name, faults(header.schema, typed)]).toEqual([name, undefined])
    }
  }
}

const failing = (error: Error): Http => {
  const broken = { get: () => () => Promise.reject(error) }
  return openHttp(new Proxy({} as TaskStore, broken), {
    webhooks: new Proxy({} as WebhookStore, broken),
  })
}

const JSON_TYPE = { 'content-type': 'application/json' }

const GOOD: Record<string, Call> = {
  listTasks: {},
  createTask: { body: { title: 'New' } },
  getTask: {},
  putTask: { body: { title: 'Changed', completed: true, due_date: null } },
  patchTask: { body: { description: 'Changed', priority: 'high' } },
  completeTask: {},
  deleteTask: {},
  changeTasks: { body: { operations: [{ op: 'create', body: { title: 'New' } }] } },
  listChanges: {},
  followChanges: {},
  createWebhook: { body: HOOK },
  listWebhooks: {},
  getWebhook: {},
  deleteWebhook: {},
  pingWebhook: {},
  rotateSecret: {},
  replayWebhook: { body: { since: 0 } },
}

type Case = [name: string, status: number, why: string, ask: Ask]

const common = Object.entries(GOOD).flatMap(([name, good]): Case[] => {
  const { path, of } = operation(name)
  const parameters: string[] = of.parameters.map((parameter: Json) => follow(parameter).name)
  const away = new DomainError('unavailable', 'The storage cannot be reached right now.')
  return [
    [name, 401, 'without a token', { ...good, as: null }],
    [name, 401, 'with a bad token', { ...good, as: 'bad' }],
    [name, 503, 'without a key', { ...good, as: 'keyless' }],
    [name, 503, 'while the storage is away', { ...good, via: failing(away) }],
    [name, 500, 'when the storage is broken', { ...good, via: failing(new Error('broken')) }],
    ...(path.includes('{id}')
      ? ([
          ['403' in of.responses ? name : '', 403, "for another's task", { ...good, as: 'bob' }],
          ['403' in of.responses ? '' : name, 404, "for another's", { ...good, as: 'bob' }],
          [name, 404, "for nobody's", { ...good, task: Bun.randomUUIDv7() }],
          [name, 404, 'for what is no id', { ...good, task: 'x' }],
        ] satisfies Case[])
      : []),
    ...(of.requestBody
      ? ([
          [name, 400, 'to what is no JSON', { raw: '{', headers: JSON_TYPE }],
          [name, 400, 'to a bad member', { body: { completed: 1, title: 5 } }],
          [name, 413, 'to a large body', { raw: ' '.repeat(65_537), headers: JSON_TYPE }],
          [name, 415, 'to a form', { raw: 'a=1', headers: { 'content-type': 'text/plain' } }],
        ] satisfies Case[])
      : []),
    ...(parameters.includes('If-Match')
      ? ([
          [name, 400, 'to a tag without quotes', { ...good, headers: { 'if-match': '2' } }],
          [name, 412, 'to an old tag', { ...good, headers: { 'if-match': '"1"' } }],
        ] satisfies Case[])
      : []),
    ...(parameters.includes('Idempotency-Key')
      ? ([
          [name, 400, 'to a key with a space', { ...good, headers: { 'idempotency-key': 'a b' } }],
          [name, 422, 'to a key used before', { ...good, headers: { 'idempotency-key': 'used' } }],
        ] satisfies Case[])
      : []),
    ...(parameters.includes('If-None-Match')
      ? ([[name, 304, 'when nothing changed', { ...good, again: true }]] satisfies Case[])
      : []),
  ]
})

/** A batch of one operation on the task there is. */
const onTask = (op: string, more: object = {}): Ask => ({ onTask: { op, ...more } })

const full = openHttp(memoryTaskStore(), { taskQuota: 0 })

const CASES: Case[] = [
  ...common
    .filter(([name]) => name !== '')
    .map(([name, status, why, call]): Case => {
      const body = call.body === undefined ? {} : { headers: { ...JSON_TYPE, ...call.headers } }
      return [name, status, why, { ...call, ...body }]
    }),
  ['listTasks', 200, 'with everything', {}],
  ['listTasks', 200, 'with nothing', { as: 'bob' }],
  ['listTasks', 200, 'with a page', { search: '?limit=1&sort=title' }],
  ['listTasks', 400, 'to a bad value', { search: '?status=done' }],
  ['listTasks', 400, 'to an unknown parameter', { search: '?state=all' }],
  ['createTask', 201, 'with the task', GOOD['createTask'] ?? {}],
  ['createTask', 403, 'over the quota', { body: { title: 'New' }, via: full }],
  ['getTask', 200, 'with the task', {}],
  ['putTask', 200, 'with the task', GOOD['putTask'] ?? {}],
  ['patchTask', 200, 'with the task', GOOD['patchTask'] ?? {}],
  ['completeTask', 200, 'with the task toggled', {}],
  ['completeTask', 200, 'with the task set', { body: { completed: false } }],
  ['deleteTask', 204, 'and nothing else', {}],
  ['deleteTask', 204, 'again with the same key', { twice: true }],
  ['createTask', 201, 'again with the same key', { ...GOOD['createTask'], twice: true }],
  ['completeTask', 200, 'again with the same key', { twice: true }],
  ['changeTasks', 200, 'with every change', GOOD['changeTasks'] ?? {}],
  ['changeTasks', 200, 'again with the same key', { ...GOOD['changeTasks'], twice: true }],
  ['changeTasks', 403, 'over the quota', { ...GOOD['changeTasks'], via: full }],
  ['changeTasks', 403, "for another's task", { as: 'bob', ...onTask('complete') }],
  ['changeTasks', 404, 'for what is no id', { ...onTask('delete', { id: 'x' }) }],
  ['changeTasks', 412, 'to an old revision', { ...onTask('delete', { if_match: 1 }) }],
  ['listChanges', 200, 'with everything', {}],
  ['listChanges', 200, 'with a page', { search: '?limit=1' }],
  ['listChanges', 200, 'with a deletion', { search: '?since=2', deleted: true }],
  ['listChanges', 400, 'to a bad value', { search: '?since=-1' }],
  ['listChanges', 410, 'to a revision to come', { search: '?since=99' }],
  ['followChanges', 200, 'with everything', {}],
  ['followChanges', 200, 'with a deletion', { search: '?since=2', deleted: true }],
  ['followChanges', 400, 'to a bad value', { headers: { 'last-event-id': 'x' } }],
  ['followChanges', 410, 'to a revision to come', { headers: { 'last-event-id': '99' } }],
  [
    'followChanges',
    429,
    'beyond the limit',
    { via: openHttp(memoryTaskStore(), { streams: { perUser: 0 } }) },
  ],
  ['createWebhook', 201, 'with its secret', GOOD['createWebhook'] ?? {}],
  [
    'createWebhook',
    403,
    'when there are enough',
    {
      ...GOOD['createWebhook'],
      via: openHttp(memoryTaskStore(), {
        webhooks: { ...memoryWebhookStore(), create: async () => false },
      }),
    },
  ],
  ['createWebhook', 400, 'to a scheme', { body: { ...HOOK, url: 'http://x.example.com' } }],
  ['listWebhooks', 200, 'with all', {}],
  ['getWebhook', 200, 'with its state', {}],
  ['deleteWebhook', 204, 'and nothing else', {}],
  ['pingWebhook', 202, 'and nothing else', {}],
  ['rotateSecret', 200, 'with the new secret', {}],
  ['replayWebhook', 200, 'with its state', { body: { since: 1 } }],
  ['replayWebhook', 410, 'for a revision to come', { body: { since: 99 } }],
  ['health', 200, 'always', { as: null }],
  ['ready', 200, 'when all is well', { as: null }],
  [
    'ready',
    503,
    'while the storage is away',
    { via: failing(new DomainError('unavailable', 'Away.')) },
  ],
  ['ready', 500, 'when the storage is broken', { via: failing(new Error('broken')) }],
  ['root', 200, 'always', { as: null }],
]

/** Each visitor comes from an address of its own, so that attempts are counted apart. */
let visitors = 0
const visitor = (): Record<string, string> => ({
  ...JSON_TYPE,
  'x-peer': `192.0.2.${++visitors}`,
})

const exampleOf = (name: string): Json =>
  operation(name).of.requestBody.content['application/json'].example

/** A new account, and the headers of its session. */
const signedUp = async (): Promise<{ email: string; session: Record<string, string> }> => {
  const headers = visitor()
  const email = `${headers['x-peer']}@example.com`
  const body = { ...exampleOf('signUp'), email }
  const response = await whole().call('POST', '/api/auth/sign-up/email', { body, headers })
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  return { email, session: { ...headers, cookie, origin: 'http://localhost' } }
}

const throwing = (error: Error): Http =>
  openHttp(memoryTaskStore(), {
    accounts: { handle: () => Promise.reject(error), ready: () => Promise.reject(error) },
  })

/** How each account operation comes to each answer of its own. */
const ACCOUNT_CASES: Record<string, [status: number, why: string, ask: () => Promise<Ask>][]> = {
  signUp: [
    [200, 'with the user', async () => ({ body: exampleOf('signUp'), headers: visitor() })],
    [
      422,
      'for an address that is known',
      async () => ({
        body: { ...exampleOf('signUp'), email: (await signedUp()).email },
        headers: visitor(),
      }),
    ],
  ],
  signIn: [
    [
      200,
      'with the user',
      async () => ({
        body: { ...exampleOf('signIn'), email: (await signedUp()).email },
        headers: visitor(),
      }),
    ],
    [
      401,
      'to a wrong password',
      async () => ({
        body: { ...exampleOf('signIn'), password: 'wrong horse' },
        headers: visitor(),
      }),
    ],
  ],
  signOut: [[200, 'and ends the session', async () => ({ headers: (await signedUp()).session })]],
  deleteUser: [
    [
      200,
      'and forgets',
      async () => ({ body: exampleOf('deleteUser'), headers: (await signedUp()).session }),
    ],
    [401, 'without a session', async () => ({ body: exampleOf('deleteUser'), headers: visitor() })],
    [
      400,
      'to a wrong password',
      async () => ({ body: { password: 'wrong horse' }, headers: (await signedUp()).session }),
    ],
  ],
  getSession: [
    [200, 'with the session', async () => ({ headers: (await signedUp()).session })],
    [200, 'with null', async () => ({ headers: visitor() })],
  ],
  getToken: [
    [200, 'with a token', async () => ({ headers: (await signedUp()).session })],
    [401, 'without a session', async () => ({ headers: visitor() })],
  ],
  getKeys: [[200, 'with the keys', async () => ({ headers: visitor() })]],
}

/** And to those that all, or all with a body, have. */
const accountCases = Object.entries(ACCOUNT_CASES).flatMap(([name, own]) => {
  const { method, of } = operation(name)
  const good = (): Call => ({
    ...(of.requestBody && { body: exampleOf(name) }),
    headers: visitor(),
  })
  const away = new DomainError('unavailable', 'Signing in is not possible right now.')
  const failures: typeof own = [
    [500, 'when it is broken', async () => ({ ...good(), via: throwing(new Error('broken')) })],
    [503, 'while its database is away', async () => ({ ...good(), via: throwing(away) })],
  ]
  const bodies: typeof own = [
    [400, 'to what is no JSON', async () => ({ raw: '{', headers: visitor() })],
    [413, 'to a large body', async () => ({ raw: ' '.repeat(65_537), headers: visitor() })],
    [
      415,
      'to a form',
      async () => ({ raw: 'a=1', headers: { ...visitor(), 'content-type': 'text/plain' } }),
    ],
    [
      403,
      'to an origin that is not trusted',
      async () => {
        const { session } = await signedUp()
        return { ...good(), headers: { ...session, origin: 'https://evil.example.com' } }
      },
    ],
  ]
  return [...own, ...failures, ...(method === 'post' ? bodies : [])].map(
    ([status, why, call]) => [name, status, why, call] as const,
  )
})

describe('an answer about accounts is as documented', () => {
  test.each(accountCases)('%s: %d %s', async (name, status, _, call) => {
    await accounts.ready()
    expect((await ask(name, await call())).status).toBe(status)
  })

  test.each(Object.keys(ACCOUNT_CASES))('%s: 429 after too many', async (name) => {
    const { method, path, of } = operation(name)
    const headers = visitor()
    const body = of.requestBody ? { body: { ...exampleOf(name), password: 'wrong horse' } } : {}
    for (let n = 0; n < 101; n++) {
      const response = await http.call(method.toUpperCase(), path, { ...body, headers })
      if (response.status === 429) break
    }
    expect((await ask(name, { ...body, headers })).status).toBe(429)
  })

  test('and every documented answer is one that comes', () => {
    const seen = new Set(accountCases.map(([name, status]) => `${name} ${status}`))
    const documented = operations
      .filter(({ of }) => of.tags[0] === 'accounts')
      .flatMap(({ id, of }) => Object.keys(of.responses).map((status) => `${id} ${status}`))
      .filter((pair) => !pair.endsWith(' 429'))
    expect(documented.filter((pair) => !seen.has(pair))).toEqual([])
    expect([...seen].filter((pair) => !documented.includes(pair))).toEqual([])
  })
})

describe('an answer is as documented', () => {
  test.each(CASES)('%s: %d %s', async (name, status, _, call) => {
    expect((await ask(name, call)).status).toBe(status)
  })

  test('and every documented answer is one that comes', () => {
    const pairs = (list: [string, number | string][]) =>
      [...new Set(list.map(([name, status]) => `${name} ${status}`))].sort()
    expect(
      pairs(
        notOfAccounts.flatMap(({ id, of }) =>
          Object.keys(of.responses).map((status) => [id, status] as [string, string]),
        ),
      ),
    ).toEqual(pairs(CASES.map(([name, status]) => [name, status])))
  })

  test('a page has a link exactly when there is more', async () => {
    const link = async (limit: number) =>
      (await ask('listTasks', { search: `?limit=${limit}` })).headers.get('link')
    expect(await link(1)).toMatch(/^<\/api\/tasks\?.*>; rel="next"$/)
    expect(await link(2)).toBeNull()
  })
})

describe('a request may be as documented', () => {
  const bodies = notOfAccounts.flatMap(({ id, of }) =>
    Object.entries<Json>(of.requestBody?.content ?? {}).map(
      ([type, media]) => [id, type, media] as const,
    ),
  )

  test.each(bodies)('%s takes the example as %s', async (name, type, { example }) => {
    const raw = JSON.stringify(example)
    const { status } = await ask(name, { raw, headers: { 'content-type': type } })
    expect([200, 201]).toContain(status)
  })

  test.each(
    notOfAccounts
      .filter(({ of }) => of.requestBody)
      .map(({ id, of }) => [id, of.requestBody] as const),
  )(
    '%s tells whether it needs a body, and which types it takes',
    async (name, { required, content }) => {
      expect((await ask(name)).status).toBe(required ? 400 : 200)
      for (const type of ['application/json', 'application/merge-patch+json']) {
        const { status } = await ask(name, {
          raw: '{"title":""}',
          headers: { 'content-type': type },
        })
        expect([type, status]).toEqual([type, type in content ? 400 : 415])
      }
    },
  )

  test.each<[what: string, body: unknown]>([
    ['nothing', {}],
    ['a title', { title: 'a' }],
    ['no text as title', { title: '' }],
    ['a title of 201', { title: 'x'.repeat(201) }],
    ['a title of 200 outside the basic plane', { title: '𝄞'.repeat(200) }],
    ['null as title', { title: null }],
    ['null elsewhere', { title: 'a', description: null, priority: null, due_date: null }],
    ['no text as description', { title: 'a', description: '' }],
    ['a description of 1001', { title: 'a', description: 'x'.repeat(1001) }],
    ['a number as description', { title: 'a', description: 1 }],
    ['open', { title: 'a', completed: false }],
    ['completed', { title: 'a', completed: true }],
    ['only completed', { completed: true }],
    ['neither', { title: 'a', completed: null }],
    ['a priority', { title: 'a', priority: 'medium' }],
    ['a bad priority', { title: 'a', priority: 'urgent' }],
    ['a due date', { title: 'a', due_date: '2026-02-10' }],
    ['a number as due date', { title: 'a', due_date: 20260210 }],
    ['read-only', { title: 'a', id: 1, user_id: 2, created_at: 3, updated_at: 4, revision: '5' }],
    ['an unknown member', { title: 'a', colour: 'red' }],
    ['an array', []],
    ['a text', 'a'],
    ['null', null],
  ])('the schemas of bodies judge as the server does: %s', async (_, value) => {
    const raw = JSON.stringify(value)
    for (const name of ['createTask', 'putTask', 'patchTask', 'completeTask']) {
      const { schema } = operation(name).of.requestBody.content['application/json']
      const { status } = await ask(name, { raw, headers: JSON_TYPE })
      expect([name, status < 400]).toEqual([name, faults(schema, value) === undefined])
    }
  })

  const query: Json[] = operation('listTasks').of.parameters.map(follow)

  test.each(query.filter((parameter) => parameter.in === 'query'))(
    'the limits of $name are the true ones',
    async ({ name, schema }) => {
      const status = async (value: unknown) =>
        (await ask('listTasks', { search: `?${name}=${encodeURIComponent(String(value))}` })).status
      for (const good of [
        ...(schema.enum ?? schema.examples ?? []),
        ...(schema.maximum ? [schema.minimum, schema.maximum] : []),
        ...(schema.maxLength ? ['𝄞'.repeat(schema.maxLength)] : []),
      ])
        expect([good, await status(good)]).toEqual([good, 200])
      for (const bad of [
        ...(schema.enum || schema.examples || name === 'cursor' ? ['', 'other'] : []),
        ...(schema.maximum ? [schema.minimum - 1, schema.maximum + 1, 1.5] : []),
        ...(schema.maxLength ? ['x'.repeat(schema.maxLength + 1)] : []),
      ])
        expect([bad, await status(bad)]).toEqual([bad, 400])
      if (!schema.default) return
      await ask('completeTask')
      const list = async (search: string) => json(http.call('GET', `/api/tasks${search}`))
      expect(await list(`?${name}=${schema.default}`)).toEqual(await list(''))
    },
  )
})

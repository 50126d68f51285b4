import { expect, setDefaultTimeout, test } from 'bun:test'
import { temporaryFolder } from '../../support/folder.ts'
import { json } from '../../support/http.ts'
import { startReceiver } from '../../support/receiver.ts'
import { SHARED, startServer, tokenFor } from '../../support/server.ts'
import { within } from '../../support/wait.ts'
import {
  document,
  errorsOf,
  errorsOfExact,
  follow,
  operation,
  operationsOf,
  type Schema,
} from './document.ts'

setDefaultTimeout(60_000)

const webhooks = operationsOf(document.webhooks)

/** The events that can be subscribed to, by the schema of a new webhook. */
const subscribable = (): string[] => {
  const { schema = {} } = operation('createWebhook').requestBody?.content['application/json'] ?? {}
  const { properties } = follow(schema) as { properties: { events: { items: Schema } } }
  return (follow(properties.events.items) as { enum: string[] }).enum
}

test('the document has exactly the messages that webhooks send, as they are sent', async () => {
  const receiver = await startReceiver()
  const folder = temporaryFolder()
  const server = await startServer(folder, {
    ...SHARED,
    DATABASE_URL: 'memory:',
    WEBHOOK_ALLOW: 'http,private',
  })
  const { token } = await tokenFor(folder, ['--sub', 'alice'])
  const call = async (method: string, path: string, body?: object): Promise<Response> => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    expect([method, path, response.ok]).toEqual([method, path, true])
    return response
  }
  const received = () =>
    [...receiver.deliveries.values()].flat().map(({ headers, body }) => {
      const message: { type: string } = JSON.parse(body)
      return { headers, message }
    })
  const types = (): string[] => [...new Set(received().map(({ message }) => message.type))].sort()
  const until = (type: string): Promise<void> =>
    receiver.until(
      () => types().includes(type),
      () => `A message ${type} should arrive, after: ${types().join(', ')}`,
    )

  const hook = { url: `${receiver.url}/`, events: subscribable() }
  const { id } = await json(call('POST', '/api/webhooks', hook))
  const remind_at = new Date(Date.now() + 200).toISOString()
  const task = await json(call('POST', '/api/tasks', { title: 'Call Mum', remind_at }))
  await until('task.reminder')
  await call('DELETE', `/api/tasks/${task.id}`)
  await call('POST', `/api/webhooks/${id}/ping`)
  for (const type of Object.keys(document.webhooks)) await until(type)

  expect(types()).toEqual(Object.keys(document.webhooks).sort())
  expect([...hook.events, 'ping'].sort()).toEqual(types())
  for (const { headers, message } of received()) {
    const { parameters, requestBody } =
      webhooks.find(({ path }) => path === message.type) ?? expect.unreachable()
    const { schema = {} } = requestBody?.content['application/json'] ?? {}
    expect([message, errorsOfExact(schema, message)]).toEqual([message, undefined])
    const inHeaders = Object.keys(headers).filter((name) => name.startsWith('webhook-'))
    expect(parameters.map(({ name }) => name).sort()).toEqual(inHeaders.sort())
    for (const { name, schema: ofHeader } of parameters)
      expect([name, errorsOf(ofHeader, headers[name])]).toEqual([name, undefined])
  }
  server.signal('SIGTERM')
  expect(await within(server.exited, 'The server should exit after SIGTERM.')).toBe(0)
  receiver.close()
})

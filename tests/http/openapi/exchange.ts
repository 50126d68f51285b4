import { expect } from 'bun:test'
import type { Call, Http } from '../../support/http.ts'
import { within } from '../../support/wait.ts'
import {
  type Content,
  document,
  errorsOf,
  errorsOfExact,
  follow,
  type Header,
  ofAccounts,
  operation,
} from './document.ts'
import type { Seed } from './server.ts'

export const JSON_TYPE = { 'content-type': 'application/json' }

/** `id` stands for the seed's task, webhook or token, `server` for the seed's server. */
export type Request = Call & Readonly<{ server?: Http; id?: string; search?: string }>

/** Of a client that leaves; one that is too slow gets the same response, after 8 seconds. */
export const abortedBody = (headers: Record<string, string> = JSON_TYPE): Request => ({
  raw: new ReadableStream({
    pull: (controller) => controller.error(new DOMException('The client left.', 'AbortError')),
  }),
  headers,
})

export const send = (
  { server: seeded, taskId, webhookId, tokenId }: Seed,
  operationId: string,
  { server = seeded, id, search = '', ...call }: Request = {},
): Promise<Response> => {
  const { method, path } = operation(operationId)
  const seededIds: Record<string, string> = { webhooks: webhookId, tokens: tokenId }
  const target = id ?? seededIds[path.split('/')[2] ?? ''] ?? taskId
  return server.call(method, path.replace('{id}', target) + search, call)
}

/** Fails unless the document allows this response to the operation. */
export const expectDocumented = async (operationId: string, response: Response): Promise<void> => {
  const { responses } = operation(operationId)
  expect(Object.keys(responses)).toContain(String(response.status))
  const { headers = {}, content = {} } = follow(responses[response.status] ?? {})
  const present = Object.keys(document.components.headers).filter((name) =>
    response.headers.has(name),
  )
  const required = Object.entries(headers).filter(([, header]) => follow(header).required)
  expect(present).toEqual(expect.arrayContaining(required.map(([name]) => name)))
  expect(Object.keys(headers)).toEqual(expect.arrayContaining(present))
  for (const name of present) {
    const { schema } = follow(headers[name] as Header)
    const text = response.headers.get(name)
    const value = schema['type'] === 'integer' ? Number(text) : text
    expect([name, value, errorsOf(schema, value)]).toEqual([name, value, undefined])
  }
  const ofProvider = ofAccounts.some((other) => other.operationId === operationId)
  await expectDocumentedBody(response, content, ofProvider ? errorsOfOuter : errorsOfExact)
}

/** Within their members the identity provider's responses may have more than is documented. */
const errorsOfOuter: typeof errorsOf = (schema, value) =>
  errorsOf({ ...schema, unevaluatedProperties: false }, value)

const expectDocumentedBody = async (
  response: Response,
  content: Content,
  judge: typeof errorsOf,
): Promise<void> => {
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';')
  if (type === 'text/event-stream') {
    expect(Object.keys(content)).toEqual([type])
    return expectDocumentedEvents(response)
  }
  const text = await response.text()
  if (type === 'application/x-ndjson' || type === 'text/csv') {
    expect(Object.keys(content)).toContain(response.headers.get('content-type') ?? '')
    return expect(text).toEndWith('\n')
  }
  expect(Object.keys(content)).toEqual(text === '' ? [] : [type])
  for (const { schema } of Object.values(content))
    expect(judge(schema, JSON.parse(text))).toBeUndefined()
}

/** The events up to the one that says that there is no more for now. */
const expectDocumentedEvents = async ({ body }: Response): Promise<void> => {
  const read = async (): Promise<string> => {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.includes('event: current')) break
    }
    return text
  }
  const text = await within(read(), 'The stream should come to its event `current`.')
  const changes = text
    .split('\n\n')
    .filter((event) => !event.startsWith('event: '))
    .flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? [])
  expect(changes.length).toBeGreaterThan(0)
  const schema = { $ref: '#/components/schemas/Change' }
  for (const change of changes) expect(errorsOfExact(schema, JSON.parse(change))).toBeUndefined()
}

import { describe, expect, test } from 'bun:test'
import {
  type Document,
  document,
  documentWithoutAccounts,
  operations,
  operationsOf,
} from './document.ts'
import { openServer } from './server.ts'

describe.each([
  ['with accounts', document, openServer()],
  ['without accounts', documentWithoutAccounts, openServer({})],
])('a server %s', (_, { paths }: Document, server) => {
  test('documents exactly the routes it has, but for those of files', () => {
    const served = server.routes
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
      .filter((route) => !/ \/(docs|client\.|account\b)/.test(route))
    const documented = operationsOf(paths).map(({ method, path }) => `${method} ${path}`)
    expect(documented.length).toBeGreaterThanOrEqual(17)
    expect(documented.toSorted()).toEqual(served.toSorted())
  })
})

const webhooks = operationsOf(document.webhooks)

test.each([...operations, ...webhooks])(
  '$operationId has a summary and a description',
  (operation) => {
    for (const text of [operation.summary, operation.description]) expect(text).toMatch(/\w/)
  },
)

describe.each(operations)('$operationId', (operation) => {
  const { path, security, parameters } = operation
  const named = (place: string) => parameters.filter((parameter) => parameter.in === place)

  test('requires a token exactly under /api/, accounts left out', () => {
    const protectedPath = path.startsWith('/api/') && !path.startsWith('/api/auth/')
    const needs = security.flatMap((alternative) => Object.keys(alternative))
    const allowed = path.startsWith('/api/auth/')
      ? ['', 'session,sessionToken']
      : [protectedPath ? 'bearer' : '']
    expect(allowed).toContain(needs.filter((scheme) => scheme !== 'personalToken').join())
  })

  test('takes a personal token with one scope exactly where a session is not needed', () => {
    const personal = security.some((alternative) => 'personalToken' in alternative)
    const sessionOnly = !path.startsWith('/api/') || /^\/api\/(auth|tokens)\b/.test(path)
    const scope = operation['x-scope']
    expect([personal, scope !== undefined]).toEqual([!sessionOnly, !sessionOnly])
    if (scope) expect(operation.description).toContain(`needs the scope ${scope}.`)
  })

  test('has the parameters of its path, no parameter twice, and requires no other', () => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect(named('path').map(({ name }) => name)).toEqual(inPath as string[])
    expect(parameters.filter(({ required }) => required)).toEqual(named('path'))
    const all = parameters.map((parameter) => `${parameter.in} ${parameter.name.toLowerCase()}`)
    expect(all.filter((name, n) => all.indexOf(name) !== n)).toEqual([])
  })

  test('takes a request id', () => {
    expect(named('header').map(({ name }) => name)).toContain('X-Request-Id')
  })
})

import { describe, expect, test } from 'bun:test'
import type { HandlerOptions } from '../../src/adapters/http/handler.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { openHttp } from '../support/http.ts'

const open = (options: Partial<HandlerOptions> = {}) => {
  const http = openHttp(memoryStorage().tasks, options)
  const get = (path: string, headers: Record<string, string> = {}) =>
    http.handle(new Request(`http://localhost${path}`, { headers }), () => '198.51.100.1')
  return { ...http, get }
}

describe('clients', () => {
  const headers = { 'user-agent': `agent ${'x'.repeat(500)}` }

  test('are not in the log unless wanted', async () => {
    const { get, lines } = open()
    await get('/', headers)
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toHaveProperty('peer')
    expect(JSON.stringify(lines)).not.toContain('agent')
  })

  test('by address, by user agent, or both', async () => {
    const address = open({ logClient: ['address'] })
    await address.get('/', headers)
    expect(address.lines).toMatchObject([{ peer: '198.51.100.1' }])
    expect(address.lines[0]).not.toHaveProperty('user_agent')
    const both = open({ logClient: ['address', 'user-agent'], trustProxy: 'X-Forwarded-For' })
    await both.get('/', { ...headers, 'x-forwarded-for': '192.0.2.1, 203.0.113.7' })
    const agent = headers['user-agent'].slice(0, 200)
    expect(both.lines).toMatchObject([{ peer: '203.0.113.7', user_agent: agent }])
  })
})

test('probes are of level debug, unless they fail', async () => {
  const tasks = memoryStorage().tasks
  let ready = async (): Promise<void> => {}
  const http = openHttp({ ...tasks, ready: () => ready() })
  await http.call('GET', '/health', { as: null })
  await http.call('GET', '/health/ready', { as: null })
  await http.call('GET', '/', { as: null })
  ready = async () => {
    throw new Error('planted')
  }
  await http.call('GET', '/health/ready', { as: null })
  expect(http.lines.map(({ level, route }) => [level, route])).toEqual([
    ['debug', '/health'],
    ['debug', '/health/ready'],
    ['info', '/'],
    ['error', '/health/ready'],
  ])
})

test('X-Forwarded-For without TRUST_PROXY is warned of, once', async () => {
  const { get, lines } = open()
  await get('/')
  for (let n = 0; n < 3; n++) await get('/', { 'x-forwarded-for': '203.0.113.7' })
  const warnings = lines.filter(({ level }) => level === 'warn')
  expect(warnings).toHaveLength(1)
  expect(warnings[0]?.message).toContain('TRUST_PROXY=X-Forwarded-For')
  const trusting = open({ trustProxy: 'X-Real-IP' })
  await trusting.get('/', { 'x-forwarded-for': '203.0.113.7' })
  expect(trusting.lines.map(({ level }) => level)).toEqual(['info'])
})

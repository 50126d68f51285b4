import { afterEach, expect, test } from 'bun:test'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStorage } from '../../src/adapters/sqlite/storage.ts'
import { changeMessage } from '../../src/domain/delivery.ts'
import type { Webhook } from '../../src/domain/webhook.ts'
import { temporaryFolder } from '../support/folder.ts'
import { json, openHttp } from '../support/http.ts'
import { webhookOf } from '../support/webhooks.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const open = (path: string) => {
  const { tasks, webhooks, close } = sqliteStorage(path)
  closers.push(close)
  return { ...openHttp(tasks, { webhooks }), tasks }
}

const close = (): void => closers.pop()?.()

test('nothing of a restored backup is mistaken for what was lost', async () => {
  const path = join(temporaryFolder(), 'taskport.db')
  const first = open(path)
  const { id } = await json(first.call('POST', '/api/tasks', { body: { title: 'kept' } }))
  close()
  copyFileSync(path, `${path}.backup`)

  const lost = open(path)
  const changed = await lost.call('PATCH', `/api/tasks/${id}`, { body: { title: 'lost' } })
  const etag = changed.headers.get('etag') ?? ''
  const list = (await lost.call('GET', '/api/tasks')).headers.get('etag') ?? ''
  const { cursor } = await json(lost.call('GET', '/api/changes'))
  const messageOf = async ({ tasks }: Pick<typeof lost, 'tasks'>): Promise<string | undefined> => {
    const stored = await tasks.get('alice', id)
    if (!stored) throw new Error('The task is not there.')
    const { document, version } = stored
    const change = { op: 'upsert', revision: version.revision, task: document.value() } as const
    const webhook: Webhook = webhookOf('alice')
    return changeMessage(webhook, change, version, '2026-01-01T00:00:00.000Z')[0]?.id
  }
  const lostMessage = await messageOf(lost)
  close()
  for (const name of [path, `${path}-wal`, `${path}-shm`]) rmSync(name, { force: true })
  copyFileSync(`${path}.backup`, path)

  const other = open(path)
  const put = await other.call('PATCH', `/api/tasks/${id}`, { body: { title: 'other' } })
  expect(put.headers.get('etag')).toStartWith('"2.')
  const get = (url: string, header: string, value: string) =>
    other.call('GET', url, { headers: { [header]: value } })
  expect((await get(`/api/tasks/${id}`, 'if-none-match', etag)).status).toBe(200)
  expect((await get('/api/tasks', 'if-none-match', list)).status).toBe(200)
  expect((await other.call('GET', `/api/changes?since=${cursor}`)).status).toBe(410)
  const stale = await other.call('PATCH', `/api/tasks/${id}`, {
    body: { title: 'overwritten' },
    headers: { 'if-match': etag },
  })
  expect(stale.status).toBe(412)
  expect(stale.headers.get('etag')).toBe(put.headers.get('etag'))
  expect(lostMessage).toMatch(/_2_[0-9a-z]+_changed$/)
  expect(await messageOf(other)).not.toBe(lostMessage)
})

import { SignJWT } from 'jose'
import { SHARED } from '../tests/support/server.ts'
import type { PlainTask } from './plain-table.ts'

export type User = Readonly<{ name: string; token: string; etag: string; ids: readonly string[] }>

const SECRET = new TextEncoder().encode(SHARED.BETTER_AUTH_SECRET)

/** A token good for a day, as the identity provider would sign it. */
export const signToken = (user: string): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime('1d')
    .sign(SECRET)

const bodyOf = (user: string, n: number) => ({
  title: `Task ${n} of ${user}`,
  description: n % 2 === 0 ? 'Something to be done before long, and well' : null,
  priority: n % 4 === 3 ? 'low' : 'high',
  due_date: `2026-${String((n % 12) + 1).padStart(2, '0')}-15`,
})

/** As many as a batch may have. */
const TASKS = 100

/** Has a user make 100 tasks in a Taskport that runs; returns the tasks as well. */
export const seedUser = async (url: string, name: string): Promise<[User, PlainTask[]]> => {
  const token = await signToken(name)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const operations = Array.from({ length: TASKS }, (_, n) => ({
    op: 'create',
    body: bodyOf(name, n),
  }))
  const response = await fetch(`${url}/api/tasks/batch`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ operations }),
  })
  if (!response.ok) throw new Error(`Seeding failed: ${await response.text()}`)
  const { changes } = (await response.json()) as { changes: { task: PlainTask & { id: string } }[] }
  const list = await fetch(`${url}/api/tasks?limit=50`, { headers })
  await list.arrayBuffer()
  const tasks = changes.map(({ task }) => task)
  const ids = tasks.map(({ id }) => id)
  return [{ name, token, ids, etag: list.headers.get('etag') ?? '' }, tasks]
}

/** The sum of all users' revisions: how many changes there were. */
export const countChanges = async (url: string, users: readonly User[]): Promise<number> => {
  let sum = 0
  for (const { token } of users) {
    const headers = { authorization: `Bearer ${token}` }
    const list = await fetch(`${url}/api/tasks?limit=1`, { headers })
    await list.arrayBuffer()
    const revision = /^W\/"(\d+)/.exec(list.headers.get('etag') ?? '')?.[1]
    if (revision === undefined) throw new Error(`${url} has no revision in the tag of a list`)
    sum += Number(revision)
  }
  return sum
}

export const untilReady = async (url: string): Promise<void> => {
  for (const end = Date.now() + 60_000; ; await Bun.sleep(10)) {
    const response = await fetch(`${url}/health/ready`)
    if (response.ok) return
    if (Date.now() > end) throw new Error(`Not ready: ${response.status} ${await response.text()}`)
  }
}

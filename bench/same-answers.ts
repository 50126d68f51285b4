import { signToken } from './dataset.ts'
import type { Peer } from './peers.ts'

type Step = Readonly<{
  method: string
  /** `ID` stands for the task that the visit has made. */
  path: string
  body?: object
  /** Sent without a token. */
  anonymous?: true
  /** Left out on the bare server, which has neither checks nor other fields than the title. */
  whole?: true
}>

const task = (method: string, body?: object): Step => ({
  method,
  path: '/api/tasks/ID',
  ...(body && { body }),
})

const VISIT: Step[] = [
  { method: 'POST', path: '/api/tasks', body: { title: 'One' } },
  task('GET'),
  task('PUT', { title: 'Two' }),
  { method: 'PATCH', path: '/api/tasks/ID/complete' },
  { method: 'GET', path: '/api/tasks?limit=50' },
  { ...task('PUT', { priority: 'high', due_date: '2026-02-10T09:00:00+01:00' }), whole: true },
  { ...task('PUT', { priority: null, description: 'It is', due_date: '2026-02-10' }), whole: true },
  { method: 'GET', path: '/api/tasks?status=completed&sort=due_date&order=desc', whole: true },
  { method: 'GET', path: '/api/tasks?status=pending&sort=title', whole: true },
  {
    method: 'PATCH',
    path: '/api/tasks/ID/complete',
    body: { completed: true },
    whole: true,
  },
  { ...task('PUT', { title: '' }), whole: true },
  { ...task('PUT', { due_date: '2026-02-30' }), whole: true },
  { ...task('GET'), anonymous: true, whole: true },
  task('DELETE'),
  task('GET'),
]

const FIELDS = ['user_id', 'title', 'description', 'priority', 'due_date']

/** The bare server on SQLite returns 0 and 1 for booleans, as SQLite has them. */
const comparable = (body: unknown): unknown => {
  if (Array.isArray(body)) return body.map(comparable)
  const task = body as Record<string, unknown>
  return [...FIELDS.map((name) => task[name]), Boolean(task['completed'])]
}

/**
 * Visits the peers as one new user and throws where one returns another status or task than Taskport
 * does. The visitor leaves no task behind.
 */
export const expectSameAnswers = async (peers: readonly Peer[]): Promise<void> => {
  const authorization = `Bearer ${await signToken('visitor')}`
  const visit = async ({ name, server }: Peer): Promise<string[]> => {
    let id = ''
    const seen: string[] = []
    for (const { method, path, body, anonymous, whole } of VISIT) {
      if (whole && name === 'bare') {
        seen.push('')
        continue
      }
      const response = await fetch(server.url + path.replace('ID', id), {
        method,
        headers: {
          'x-user': 'visitor',
          ...(!anonymous && { authorization }),
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const answer = response.ok && text ? JSON.parse(text) : undefined
      id ||= answer?.id ?? ''
      seen.push(`${response.status} ${answer ? JSON.stringify(comparable(answer)) : ''}`)
    }
    return seen
  }
  const [taskport, ...others] = peers
  if (!taskport) return
  const expected = await visit(taskport)
  for (const other of others) {
    for (const [n, seen] of (await visit(other)).entries()) {
      if (seen === '' || seen === expected[n]) continue
      throw new Error(
        `${VISIT[n]?.method} ${VISIT[n]?.path}: ${expected[n]?.slice(0, 200)} from Taskport, ` +
          `${seen.slice(0, 200)} from ${other.name}`,
      )
    }
  }
}

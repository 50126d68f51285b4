import { type Change, type Task, taskport } from '../../client/index.ts'
import { createModel } from './model.ts'
import type { Random } from './random.ts'
import { type Answer, createSession } from './session.ts'
import type { World } from './world.ts'

export type User = Awaited<ReturnType<typeof createUser>>

const DEVICES = 2
const MOST_TASKS = 150
const LONGEST_PAUSE_MS = 60
const FIELDS = [{ priority: 'high' }, { priority: null }, { due_date: '2026-12-24' }] as const
const QUERIES = ['status=pending', 'sort=title', 'sort=due_date&order=desc', 'priority=high']

/** A well-behaved user: devices that work at once, an event stream and a webhook. */
export const createUser = async (
  world: World,
  random: Random,
  name: string,
  stranger: () => Task | undefined,
) => {
  const { report, gate, over, hooks } = world
  const session = createSession(world, `${name}@example.com`)
  await session.signUp()
  const { request } = session
  const model = createModel(session.id(), report)
  const hookPath = `/users/${name}`
  const wanted = { url: hooks.url + hookPath, events: ['task.changed', 'task.deleted'] }
  const hook = await request('create webhook', 'POST', '/api/webhooks', wanted)
  const hookUrl = `/api/webhooks/${(hook.body as { id: string }).id}`
  const copy = new Map<string, Task>()
  let cursor: string | undefined
  let titles = 0

  const unexpected = (call: string, { status, body }: Answer): void =>
    report.violate(`status ${status}`, `${name}: ${call}: ${JSON.stringify(body)}`)
  const draft = () => ({ title: `${name} ${++titles} Ünïcode`, ...random.pick(FIELDS) })
  const pick = (): Task | undefined => random.pick(model.tasks())
  const urlOf = ({ id }: Task): string => `/api/tasks/${id}`
  const matching = ({ revision }: Task): Record<string, string> =>
    random.chance(0.5) ? { 'if-match': `"${revision}"` } : {}

  /** Another device may have been faster. */
  const judge = (call: string, task: Task | undefined, answer: Answer): boolean => {
    if (answer.status < 300) return true
    if (answer.status === 404 && task) model.lacks(task.id)
    else if (answer.status !== 412 || !task) unexpected(call, answer)
    return false
  }
  type Write = readonly [method: string, path: string, body?: unknown]
  const write = async (call: string, task: Task | undefined, what: Write): Promise<void> => {
    const [method, path, body] = what
    const answer = await request(call, method, path, body, task && matching(task))
    if (!judge(call, task, answer)) return
    const changed = answer.body as Task
    if (method === 'DELETE' && task) model.acknowledgeDeletion(task.id)
    else model.acknowledge({ op: 'upsert', revision: changed.revision, task: changed })
  }
  const create = () => write('create', undefined, ['POST', '/api/tasks', draft()])
  const remove = (task: Task) => write('delete', task, ['DELETE', urlOf(task)])

  const batch = async (task: Task): Promise<void> => {
    const other = pick()
    const operations = [
      { op: 'create', body: draft() },
      { op: 'update', id: task.id, if_match: task.revision, body: draft() },
      ...(other && other.id !== task.id ? [{ op: 'delete', id: other.id }] : []),
      { op: 'create', body: draft() },
    ]
    const answer = await request('batch', 'POST', '/api/tasks/batch', { operations })
    if (answer.status === 200) {
      for (const change of (answer.body as { changes: Change[] }).changes) model.acknowledge(change)
    } else if (![404, 412].includes(answer.status)) unexpected('batch', answer)
  }
  const read = async (call: string, path: string, task?: Task): Promise<void> => {
    const promised = model.revision()
    const answer = await request(call, 'GET', path)
    if (!judge(call, task, answer)) return
    const revision = Number(/^W\/"(\d+)/.exec(answer.headers.get('etag') ?? '')?.[1] ?? promised)
    if (revision < promised) report.violate('a stale list', `${revision} after ${promised}`)
    for (const found of [answer.body].flat()) model.saw(found as Task)
  }
  const trespass = async (): Promise<void> => {
    const task = stranger()
    if (!task || task.user_id === session.id()) return
    const { status } = await request('trespass', random.pick(['GET', 'DELETE']), urlOf(task))
    if (![403, 404].includes(status)) report.violate("another user's data", `${status} ${task.id}`)
  }

  /** What a device does next, each as likely as the others. */
  const actions: readonly ((task: Task) => Promise<unknown>)[] = [
    create,
    create,
    (task) => write('update', task, ['PUT', urlOf(task), draft()]),
    (task) => write('toggle', task, ['PATCH', `${urlOf(task)}/complete`]),
    (task) => write('complete', task, ['PATCH', `${urlOf(task)}/complete`, { completed: true }]),
    remove,
    batch,
    (task) => read('get', urlOf(task), task),
    () => read('list', `/api/tasks?limit=20&${random.pick(QUERIES)}`),
    () => read('whole list', '/api/tasks'),
    () => read('search', `/api/tasks?q=${random.below(100)}+unicode`),
    trespass,
    async () => random.chance(0.2) && session.renew(),
    async () => random.chance(0.05) && session.signIn(),
  ]
  const act = (): Promise<unknown> => {
    const task = pick()
    if (!task) return create()
    return model.tasks().length < MOST_TASKS ? random.pick(actions)(task) : remove(task)
  }
  const device = async (): Promise<void> => {
    for (; !over.aborted; await Bun.sleep(random.below(LONGEST_PAUSE_MS))) await gate.pass(act)
  }

  /** Connects anew after each failure, so that long pauses of the client hide no recovery. */
  const follow = async (): Promise<void> => {
    const lost = new AbortController()
    const signal = AbortSignal.any([lost.signal, over])
    const onStatus = ({ status }: { status: string }) => status === 'waiting' && lost.abort()
    const client = taskport({ url: world.url, token: session.token })
    for await (const page of client.follow({ since: cursor, signal, onStatus })) {
      if (page.reset) copy.clear()
      for (const change of page.changes) {
        if (change.op === 'delete') copy.delete(change.id)
        else copy.set(change.task.id, change.task)
      }
      cursor = page.cursor
    }
  }
  const keepFollowing = async (): Promise<void> => {
    for (; !over.aborted; await Bun.sleep(LONGEST_PAUSE_MS * 5)) {
      await follow().catch((error) => {
        // The devices renew the token.
        if (error.status !== 401) report.violate('event stream failed', `${name}: ${error}`)
      })
    }
  }

  for (const work of [...Array(DEVICES).fill(device), keepFollowing]) void world.run(name, work)

  return {
    name,
    email: session.email,
    pick,
    /** Compares everything that is stored with the model. Call when no request is under way. */
    compare: async (): Promise<void> => {
      const list = await request('whole list', 'GET', '/api/tasks')
      const feed: Change[] = []
      let since = `${model.compared()}`
      for (let more = true; more; ) {
        const answer = await request('feed', 'GET', `/api/changes?limit=500&since=${since}`)
        if (answer.status !== 200) return unexpected('feed', answer)
        const page = answer.body as { changes: Change[]; cursor: string; has_more: boolean }
        feed.push(...page.changes)
        since = page.cursor
        more = page.has_more
      }
      model.compare(list.body as Task[], feed, Number.parseInt(since, 10))
    },
    /** What of the stored changes has not arrived yet. */
    streamLacks: (): string | undefined => {
      const tasks = model.tasks()
      const late = tasks.find((task) => !Bun.deepEquals(copy.get(task.id), task))
      if (late) return `${late.id} at ${late.revision}`
      return copy.size > tasks.length ? 'it has more than there is' : undefined
    },
    hookLacks: async (): Promise<string | undefined> => {
      const revision = hooks.lacks(hookPath, model)
      if (revision === undefined) return undefined
      const { body } = await request('get webhook', 'GET', hookUrl)
      return `${revision} after ${hooks.newest(hookPath)}: ${JSON.stringify(body)}`
    },
    /** What was not sent in time is sent now, or every later comparison would fail as well. */
    replayHook: () =>
      request('replay', 'POST', `${hookUrl}/replay`, { since: hooks.newest(hookPath) }),
  }
}

/** Signs up, works a little and leaves, again and again. */
export const runVisitors = async (world: World, random: Random): Promise<void> => {
  const { gate, over, report } = world
  const visit = async (n: number): Promise<void> => {
    const session = createSession(world, `visitor-${n}@example.com`)
    await session.signUp()
    const { body } = await session.request('create', 'POST', '/api/tasks', { title: `${n}` })
    const list = await session.request('whole list', 'GET', '/api/tasks')
    if (!Bun.deepEquals(list.body, [body])) report.violate('a visitor sees others', `${n}`)
    await session.signIn()
    if (random.chance(0.5)) await session.remove()
  }
  for (let n = 0; !over.aborted; n++) {
    await world.run(`visitor ${n}`, () => gate.pass(() => visit(n)))
    await Bun.sleep(random.below(1000))
  }
}

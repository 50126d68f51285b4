import type { Model } from './model.ts'
import type { Report } from './report.ts'

type Received = { top: number; messages: Set<string>; last: Map<string, number> }

type Message = Readonly<{
  type: string
  data: Readonly<{ revision: number; task?: { id: string }; id?: string }>
}>

export type Hooks = ReturnType<typeof startHooks>

const SLOW_MS = 14_000

/** Receives the webhooks of well-behaved users at `/users/…`, those of attackers elsewhere. */
export const startHooks = (report: Report) => {
  const users = new Map<string, Received>()
  let attackers: 'prompt' | 'slow' | 'failing' = 'prompt'

  const receive = async (path: string, request: Request): Promise<void> => {
    const known = users.get(path) ?? { top: 0, messages: new Set(), last: new Map() }
    users.set(path, known)
    const { type, data } = (await request.json()) as Message
    const { revision } = data
    const id = data.task?.id ?? data.id ?? ''
    const message = `${type} ${revision} ${id}`
    if (revision < known.top && !known.messages.has(message)) {
      report.violate('webhooks out of order', `${path}: ${message} after ${known.top}`)
    }
    report.count(known.messages.has(message) ? 'webhook messages repeated' : 'webhook messages')
    known.messages.add(message)
    known.top = Math.max(known.top, revision)
    known.last.set(id, Math.max(revision, known.last.get(id) ?? 0))
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 30,
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/users/')) await receive(pathname, request)
      else if (attackers === 'slow') await Bun.sleep(SLOW_MS)
      else if (attackers === 'failing') return new Response(null, { status: 500 })
      return new Response(null, { status: 204 })
    },
  })

  return {
    url: server.url.origin,
    /** How those of attackers respond. */
    behave: (how: typeof attackers): void => {
      attackers = how
    },
    /** The newest revision that has arrived. */
    newest: (path: string): number => users.get(path)?.top ?? 0,
    /** The first change that has not arrived. */
    lacks: (path: string, model: Model): number | undefined => {
      const last = users.get(path)?.last
      const late = model.since(0).find(([id, { revision }]) => (last?.get(id) ?? 0) < revision)
      return late?.[1].revision
    },
    close: () => server.stop(true),
  }
}

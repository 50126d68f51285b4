import type { User } from './dataset.ts'
import type { LoadRequest } from './wrk.ts'

export type PeerName = 'Taskport' | 'bare' | 'Fastify'

export type Scenario = Readonly<{
  name: string
  connections: number
  /** None for a peer that has nothing to compare with. */
  requests: Readonly<Partial<Record<PeerName, LoadRequest[]>>>
  /** Whether every request makes a task. */
  creates: boolean
}>

const MANY = 32

/** Measured over a single connection as well. */
const ALONE = ['get', 'list', 'create', 'toggle']

/** Requests before they begin again: every user several times, in no order that caches would like. */
const LENGTH = 5000

type Kind = (user: User, id: string) => Omit<LoadRequest, 'headers'>

const LIST = { method: 'GET', path: '/api/tasks?limit=50', status: 200, count: 50 }

const kinds = {
  health: () => ({ method: 'GET', path: '/health', status: 200 }),
  get: (user, id) => ({
    method: 'GET',
    path: `/api/tasks/${id}`,
    status: 200,
    owner: user.name,
    count: 1,
  }),
  list: (user) => ({ ...LIST, owner: user.name }),
  filter: (user) => ({
    ...LIST,
    path: '/api/tasks?priority=high&sort=due_date&limit=50',
    owner: user.name,
  }),
  feed: (user) => ({
    method: 'GET',
    path: '/api/changes?since=80&limit=100',
    status: 200,
    owner: user.name,
    count: 20,
  }),
  create: (user) => ({
    method: 'POST',
    path: '/api/tasks',
    body: JSON.stringify({ title: 'New task ##########' }),
    status: 201,
    owner: user.name,
    count: 1,
  }),
  toggle: (user, id) => ({
    method: 'PATCH',
    path: `/api/tasks/${id}/complete`,
    status: 200,
    owner: user.name,
    count: 1,
  }),
  // The title differs every time, for what changes nothing is not written.
  update: (user, id) => ({
    method: 'PUT',
    path: `/api/tasks/${id}`,
    body: JSON.stringify({ title: 'Title ########## of it' }),
    status: 200,
    owner: user.name,
    count: 1,
  }),
} satisfies Record<string, Kind>

/** In a hundred mixed requests. */
const MIX: [keyof typeof kinds, number][] = [
  ['list', 70],
  ['get', 15],
  ['create', 10],
  ['toggle', 5],
]

/** Reading ones first: they count on the state as it was seeded. */
export const scenarios = (users: readonly User[]): Scenario[] => {
  const user = (n: number): User => users[(n * 389) % users.length] as User
  const id = (n: number): string => user(n).ids[(n * 31) % 100] ?? ''
  const plan = (kindAt: (n: number) => Kind, headersOf: (user: User) => Record<string, string>) =>
    Array.from({ length: LENGTH }, (_, n): LoadRequest => {
      const request = kindAt(n)(user(n), id(n))
      const type = request.body === undefined ? {} : { 'content-type': 'application/json' }
      return { ...request, headers: { ...headersOf(user(n)), ...type } }
    })
  const bearer = ({ token }: User) => ({ authorization: `Bearer ${token}` })
  const plain = ({ name }: User) => ({ 'x-user': name })
  const scenario = (name: string, kindAt: (n: number) => Kind, peers: PeerName[]): Scenario => {
    const withToken = plan(kindAt, bearer)
    const requests = { Taskport: withToken, bare: plan(kindAt, plain), Fastify: withToken }
    return {
      name,
      connections: MANY,
      requests: Object.fromEntries(peers.map((peer) => [peer, requests[peer]])),
      creates: name === 'create',
    }
  }
  const one = (name: keyof typeof kinds): Scenario =>
    scenario(name, () => kinds[name], ['Taskport', 'bare', 'Fastify'])

  const shares = MIX.flatMap(([name, share]) => Array<Kind>(share).fill(kinds[name]))
  const unchanged: Kind = () => ({ method: LIST.method, path: LIST.path, status: 304 })
  const conditional = (owner: User) => ({ ...bearer(owner), 'if-none-match': owner.etag })
  const all: Scenario[] = [
    one('health'),
    one('get'),
    one('list'),
    one('filter'),
    {
      name: '304 list',
      connections: MANY,
      requests: { Taskport: plan(() => unchanged, conditional) },
      creates: false,
    },
    scenario('feed', () => kinds.feed, ['Taskport', 'bare']),
    scenario('mixed', (n) => shares[(n * 37) % 100] as Kind, ['Taskport', 'bare', 'Fastify']),
    one('create'),
    one('toggle'),
    one('update'),
  ]
  return all.flatMap((many) =>
    ALONE.includes(many.name) ? [many, { ...many, connections: 1 }] : [many],
  )
}

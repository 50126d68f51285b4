import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Attackers, Stop } from './attacks.ts'
import { NAME_SERVER, type World } from './world.ts'

/** A world in which faults can be begun: with attackers. */
export type Arena = World & Readonly<{ attackers: Attackers }>

/** Two of one kind are never on at once. */
type Kind = 'database' | 'worker' | 'server' | 'disk' | 'clock' | 'names' | 'hooks' | 'abuse'

export type Fault = Readonly<{
  name: string
  kind: Kind
  applies(world: World): boolean
  begin(world: Arena): Promise<void>
  end(): Promise<void>
}>

const MINUTE = 60

const isPossible: Partial<Record<Kind, (world: World) => boolean>> = {
  database: ({ database }) => database !== undefined,
  worker: ({ database }) => database !== undefined,
  disk: ({ disk }) => disk !== undefined,
  clock: ({ clock }) => clock !== undefined,
  names: ({ hasOwnResolver }) => hasOwnResolver,
}

/** Its start returns how it ends. */
const fault = (kind: Kind, name: string, start: (world: Arena) => Stop | Promise<Stop>): Fault => {
  let stop: Stop | undefined
  return {
    kind,
    name,
    applies: (world) => isPossible[kind]?.(world) ?? true,
    begin: async (world) => {
      stop = await start(world)
    },
    end: async () => {
      await stop?.()
      stop = undefined
    },
  }
}

const ofDatabase = (
  name: string,
  start: (database: NonNullable<World['database']>) => Stop | Promise<Stop>,
): Fault =>
  fault('database', name, ({ database }) => {
    if (!database) throw new Error(`${name} needs PostgreSQL.`)
    return start(database)
  })

const abuse = (name: string, attack: (attackers: Attackers) => Stop): Fault =>
  fault('abuse', name, ({ attackers }) => attack(attackers))

const clockJump = (name: string, seconds: number): Fault =>
  fault('clock', name, ({ clock }) => {
    clock?.set(seconds)
    return () => clock?.set(0)
  })

const badHooks = (name: string, how: 'slow' | 'failing'): Fault =>
  fault('hooks', name, ({ hooks, attackers }) => {
    hooks.behave(how)
    const stops = [attackers.pings(), attackers.createAndDelete(), () => hooks.behave('prompt')]
    return () => stops.map((stop) => stop())
  })

const every = (milliseconds: number, step: () => unknown): Stop => {
  step()
  const timer = setInterval(step, milliseconds)
  return () => clearInterval(timer)
}

const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = 'chaos' and pid <> pg_backend_pid()`

export const FAULTS: readonly Fault[] = [
  ofDatabase('fast restart', async ({ pids, start }) => {
    const [postmaster = 0] = await pids()
    process.kill(postmaster, 'SIGINT')
    while ((await pids().catch(() => [])).length > 0) await Bun.sleep(50)
    return start
  }),
  ofDatabase('crash', async ({ stop, start }) => {
    await stop()
    return start
  }),
  ofDatabase('terminated backends', ({ run }) => every(500, () => run(TERMINATE).catch(() => {}))),
  ofDatabase('frozen database', async ({ signal }) => {
    await signal('SIGSTOP')
    return () => signal('SIGCONT')
  }),
  ofDatabase('black hole', ({ proxy }) => {
    proxy.goSilent()
    return proxy.speak
  }),
  ofDatabase('lost connections', ({ proxy }) => {
    proxy.lose()
    return () => {}
  }),
  ofDatabase('read-only', async ({ run }) => {
    const set = async (value: string): Promise<void> => {
      await run(`alter system set default_transaction_read_only = ${value}`)
      await run('select pg_reload_conf()')
    }
    await set('on')
    return () => set('off')
  }),
  fault('disk', 'disk full', async ({ disk }) => {
    await disk?.fill()
    return () => disk?.free()
  }),
  fault('worker', 'killed worker', ({ server }) =>
    every(3000, () => {
      const [, worker] = server.pids()
      if (worker !== undefined) server.kill(worker)
    }),
  ),
  fault('server', 'killed server', ({ server }) => {
    server.killAll()
    return () => {}
  }),
  clockJump('clock 20 minutes ahead', 20 * MINUTE),
  clockJump('clock 2 minutes behind', -2 * MINUTE),
  fault('names', 'names that never resolve', async ({ attackers }) => {
    const deaf = createSocket('udp4').bind(53, NAME_SERVER)
    await once(deaf, 'listening')
    const stop = attackers.dreamPings()
    return () => [stop(), deaf.close()]
  }),
  fault('names', 'dead names', ({ attackers }) => attackers.dreamPings()),
  badHooks('slow hooks', 'slow'),
  badHooks('failing hooks', 'failing'),
  abuse('whole lists of a full quota', ({ lists }) => lists()),
  abuse('searches in a full quota', ({ searches }) => searches()),
  abuse('password guessing', ({ guesses }) => guesses()),
  abuse('oversized bodies', ({ bodies }) => bodies()),
  abuse('slow bodies', ({ slowBodies }) => slowBodies()),
  abuse('unread event streams', ({ unreadStreams }) => unreadStreams()),
  abuse('create-delete loops', ({ createAndDelete }) => createAndDelete()),
  abuse('pings', ({ pings }) => pings()),
]

import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import postgres from 'postgres'
import { privateServer } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { countChanges, seedUser, type User, untilReady } from './dataset.ts'
import { createOnPostgres, createOnSqlite, type PlainTask, type Times } from './plain-table.ts'
import type { PeerName } from './scenarios.ts'
import {
  type CpuMeter,
  databaseCpu,
  type MeasuredServer,
  SHIPPED,
  startMeasured,
} from './servers.ts'

export type Peer = Readonly<{
  name: PeerName
  server: MeasuredServer
  /** Processor time of its database; none of one inside of the server. */
  databaseCpu: CpuMeter
  /** Every change there was, or the tasks there are. */
  counts: 'changes' | 'tasks'
  count(): Promise<number>
}>

/** Servers with the same tasks of the same users, Taskport first. */
export type Peers = Readonly<{ users: User[]; peers: Peer[]; close(): Promise<void> }>

const USERS = 1000

/** Taskport with its data, started again after they were made, and what the others are to have. */
const seeded = async (
  folder: string,
  databaseUrl: string,
  settle: () => Promise<void> = async () => {},
): Promise<{ server: MeasuredServer; users: User[]; tasks: PlainTask[] }> => {
  const env = { ...SHIPPED, ...SHARED, DATABASE_URL: databaseUrl }
  const seeding = await startMeasured(['../src/main.ts'], folder, env)
  await untilReady(seeding.url)
  const users: User[] = []
  const all: PlainTask[][] = []
  for (let n = 0; n < USERS; n++) {
    const [user, tasks] = await seedUser(seeding.url, `user-${n}`)
    users.push(user)
    all.push(tasks)
  }
  await seeding.stop()
  await settle()
  const server = await startMeasured(['../src/main.ts'], folder, env)
  await untilReady(server.url)
  return { server, users, tasks: all.flat() }
}

export const openPostgres = async (folder: string, fastifyTimes: Times): Promise<Peers> => {
  const cluster = await privateServer({ fsync: 'on', full_page_writes: 'on' })
  const open = async (database: string) => {
    const admin = postgres(cluster.url, { max: 1 })
    await admin.unsafe(`create database ${database}`)
    await admin.end()
    const url = new URL(`/${database}`, cluster.url).href
    return { url, sql: postgres(url, { max: 1 }), cpu: databaseCpu(cluster, database) }
  }
  const own = await open('taskport')
  const { server, users, tasks } = await seeded(folder, own.url, async () => {
    await own.sql`vacuum analyze`
  })
  const plain = async (
    name: PeerName,
    program: string,
    env: Record<string, string>,
    table: { times: Times; feed: boolean },
  ): Promise<Peer & { end(): Promise<void> }> => {
    const { url, sql, cpu } = await open(name.toLowerCase())
    await createOnPostgres(sql, tasks, table)
    return {
      name,
      server: await startMeasured([program, url], folder, env),
      databaseCpu: cpu,
      counts: 'tasks',
      count: async () => Number((await sql`select count(*) from tasks`)[0]?.['count']),
      end: () => sql.end(),
    }
  }
  const bare = await plain('bare', 'baseline.ts', {}, { times: 'text', feed: true })
  const fastify = await plain(
    'Fastify',
    'fastify.mjs',
    { NODE_ENV: 'production', JWT_SECRET: SHARED.BETTER_AUTH_SECRET },
    { times: fastifyTimes, feed: false },
  )
  const taskport: Peer = {
    name: 'Taskport',
    server,
    databaseCpu: own.cpu,
    counts: 'changes',
    count: () => countChanges(server.url, users),
  }
  const peers = [taskport, bare, fastify]
  return {
    users,
    peers,
    close: async () => {
      await Promise.all(peers.map((peer) => peer.server.stop()))
      await Promise.all([own.sql.end(), bare.end(), fastify.end()])
      await cluster.close()
    },
  }
}

export const openSqlite = async (folder: string): Promise<Peers> => {
  const [own, other] = [join(folder, 'taskport.db'), join(folder, 'bare.db')] as const
  const { server, users, tasks } = await seeded(folder, `sqlite:${own}`)
  createOnSqlite(other, tasks)
  const countTasks = async (): Promise<number> => {
    const db = new Database(other, { readonly: true })
    const row = db.query<{ n: number }, []>('select count(*) as n from tasks').get()
    db.close()
    return row?.n ?? 0
  }
  const bare = await startMeasured(['baseline.ts', other], folder, {})
  const inside: CpuMeter = () => () => 0
  return {
    users,
    peers: [
      {
        name: 'Taskport',
        server,
        databaseCpu: inside,
        counts: 'changes',
        count: () => countChanges(server.url, users),
      },
      { name: 'bare', server: bare, databaseCpu: inside, counts: 'tasks', count: countTasks },
    ],
    close: async () => {
      await Promise.all([server.stop(), bare.stop()])
    },
  }
}
